"""A server program of a customer: the published `getstream` package, pointed at Isotrack.

It does what `js/server.mjs` does with the published Node package, in the same order, and gives what
it was answered under the same names: one set of tests reads both.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from getstream import Stream
from getstream.exceptions import StreamApiException
from getstream.models import (
    CallRequest,
    CallSettingsRequest,
    IndividualRecordingSettingsRequest,
    MemberRequest,
    UserRequest,
)
from getstream.stream_response import StreamResponse
from getstream.video.call import Call

from tests.clients.people import FILES
from tests.clients.story import ALL, DEFAULT, GRANTS, LISTED_S, RECORDED_S, STARTED_S, Story, Told
from tests.clients.venue import Venue

PAUSE_S = 0.3


def run(story: Story, venue: Venue, folder: Path) -> Told:
    """Play the story, save the files in a folder, and give what was answered."""
    told: Told = {}
    with Stream(api_key=venue.api_key, api_secret=venue.api_secret, base_url=venue.url) as client:
        _prepare(client, story, told)
        call = client.video.call(story.call_type, story.call_id)
        _set_up(client, call, story, told)
        _record(call, story, venue, told)
        _collect(call, folder, told)
        told["type_deleted"] = _answer(client.video.delete_call_type(story.spare_type))
    return told


def _prepare(client: Stream, story: Story, told: Told) -> None:
    """Users with their roles, and a call type with its settings and grants."""
    told["users"] = _answer(
        client.update_users(
            {
                story.host: UserRequest(id=story.host, name="Host", role="user"),
                story.guest: UserRequest(id=story.guest, custom={"team": "blue"}),
            }
        )
    )
    told["type_created"] = _answer(
        client.video.create_call_type(
            story.call_type, settings=_recording("available", DEFAULT), grants=GRANTS
        )
    )
    client.video.create_call_type(story.spare_type)
    told["type_updated"] = _answer(
        client.video.update_call_type(story.call_type, settings=_recording("auto-on", DEFAULT[:1]))
    )
    client.video.update_call_type(story.call_type, settings=_recording("available", DEFAULT))
    told["type_read"] = _answer(client.video.get_call_type(story.call_type))
    told["types_listed"] = _answer(client.video.list_call_types())


def _set_up(client: Stream, call: Call, story: Story, told: Told) -> None:
    """A call with members, that asks for all six kinds of files."""
    told["missing"] = _refused(call.get)
    told["created"] = _answer(
        call.get_or_create(
            data=CallRequest(
                created_by_id=story.host,
                members=[MemberRequest(user_id=story.host, role="host")],
                custom={"subject": "iso"},
            )
        )
    )
    told["created_again"] = _answer(call.get_or_create(data=CallRequest(created_by_id=story.guest)))
    told["updated"] = _answer(call.update(settings_override=_recording("available", ALL)))
    told["members_added"] = _answer(
        call.update_call_members(
            update_members=[MemberRequest(user_id=story.guest, custom={"seat": 2})]
        )
    )
    told["members_found"] = _answer(
        client.video.query_call_members(id=story.call_id, type=story.call_type)
    )
    told["members_removed"] = _answer(call.update_call_members(remove_members=[story.guest]))
    told["calls_found"] = _answer(
        client.video.query_calls(filter_conditions={"cid": {"$in": [story.cid]}})
    )


def _record(call: Call, story: Story, venue: Venue, told: Told) -> None:
    """People join, are recorded, and leave."""
    told["start_refused"] = _refused(lambda: call.start_recording("individual"))
    told["stop_refused"] = _refused(lambda: call.stop_recording("individual"))
    venue.gather(story.cid)
    told["started"] = _answer(call.start_recording("individual"))
    told["start_again_refused"] = _refused(lambda: call.start_recording("individual"))
    told["running"] = _running(call)
    time.sleep(RECORDED_S)
    told["stopped"] = _answer(call.stop_recording("individual"))
    told["stop_again_refused"] = _refused(lambda: call.stop_recording("individual"))
    venue.disperse(story.cid)


def _running(call: Call) -> dict[str, Any]:
    """The call once its recording has begun: the answer to a start comes before that."""
    deadline = time.monotonic() + STARTED_S
    while True:
        egress = (got := call.get()).data.call.egress.individual_recording
        if (egress and egress.status == "running") or time.monotonic() > deadline:
            return _answer(got)
        time.sleep(PAUSE_S)


def _collect(call: Call, folder: Path, told: Told) -> None:
    """The files, each by its URL; then one of them is deleted."""
    deadline = time.monotonic() + LISTED_S
    while len((listed := call.list_recordings()).data.recordings) < len(FILES):
        if time.monotonic() > deadline:
            break
        time.sleep(PAUSE_S)
    told["listed"] = _answer(listed)
    for recording in listed.data.recordings:
        (folder / recording.filename).write_bytes(httpx.get(recording.url).content)
    last = listed.data.recordings[-1]
    told["deleted"] = _answer(call.delete_recording(last.session_id, last.filename))
    told["delete_again_refused"] = _refused(
        lambda: call.delete_recording(last.session_id, last.filename)
    )
    told["listed_after"] = _answer(call.list_recordings())
    told["read"] = _answer(call.get())


def _recording(mode: str, output_types: list[str]) -> CallSettingsRequest:
    return CallSettingsRequest(
        individual_recording=IndividualRecordingSettingsRequest(
            mode=mode, output_types=output_types
        )
    )


def _answer(response: StreamResponse[Any]) -> dict[str, Any]:
    """What the library made of an answer: all that it requires was there, or it had raised."""
    # Not its own `to_json`, which trips over mappings of users to times.
    plain = json.dumps(dataclasses.asdict(response.data), default=datetime.isoformat)
    answer: dict[str, Any] = json.loads(plain)
    return answer


def _refused(ask: Callable[[], object]) -> dict[str, Any]:
    try:
        ask()
    except StreamApiException as error:
        return {"status": error.status_code, "code": error.code, "message": error.message}
    raise AssertionError("it was not refused")
