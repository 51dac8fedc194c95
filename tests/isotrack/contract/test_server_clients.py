"""Our answers and events, read by the models of the published Python library."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import getstream.models as theirs
import pytest
from getstream.webhook import InvalidWebhookError, UnknownEvent, parse_event

from isotrack.contract.events import in_nanoseconds
from isotrack.contract.recordings import ReprocessRecordingResponse
from isotrack.contract.times import NANOSECONDS, Timed
from isotrack.recording.errors import CorruptInput
from isotrack.recording.tracks import Frozen
from tests.builders import NOON, at, file
from tests.isotrack.contract.examples import (
    ANSWERS,
    CALL_ANSWER,
    CALL_EVENTS,
    CONNECTION_EVENTS,
    RECORDING_EVENTS,
)

NAMES = {
    "UpdateAppResponse": "Response",
    "DeleteCallTypeResponse": "Response",
}
"""Models of theirs that are named otherwise."""
OURS = ("CallRecordingCompleted",)
"""Events that no other API has."""


def named(model: Frozen) -> str:
    return type(model).__name__


def model_of_theirs(ours: Frozen) -> Any:
    name = NAMES.get(named(ours), named(ours))
    if name.startswith("CallRecording"):
        name += "Event"
    return getattr(theirs, name)


def written(ours: Frozen) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(ours.model_dump_json(context=NANOSECONDS))
    return answer


def missing(their_model: Any, value: object, place: str) -> Iterator[str]:
    """What a model of theirs requires and a value of ours does not have, down to the leaves."""
    assert isinstance(value, dict), f"{place}: {their_model.__name__} of {value!r}"
    hints = typing.get_type_hints(their_model, vars(theirs))
    for field in dataclasses.fields(their_model):
        name = field.metadata["dataclasses_json"]["letter_case"](field.name)
        here = f"{place}.{name}"
        if value.get(name) is not None:
            yield from missing_within(hints[field.name], value[name], here)
        elif field.default is field.default_factory is dataclasses.MISSING:
            yield here


def missing_within(hint: Any, value: object, place: str) -> Iterator[str]:
    if dataclasses.is_dataclass(hint):
        yield from missing(hint, value, place)
    elif typing.get_origin(hint) is list:
        assert isinstance(value, list), place
        for index, item in enumerate(value):
            yield from missing_within(typing.get_args(hint)[0], item, f"{place}.{index}")
    elif typing.get_origin(hint) is dict:
        assert isinstance(value, dict), place
        for key, item in value.items():
            yield from missing_within(typing.get_args(hint)[1], item, f"{place}.{key}")
    elif typing.get_args(hint):  # one of several, or None
        for choice in typing.get_args(hint):
            if choice is not type(None):
                yield from missing_within(choice, value, place)
    elif hint in (str, bool, int, float, datetime):
        # Moments are integers of nanoseconds behind the prefix of server libraries.
        assert type(value) is (int if hint is datetime else hint), f"{place}: {value!r}"


KNOWN_EVENTS = [e for e in (*CALL_EVENTS, *RECORDING_EVENTS) if named(e) not in OURS]
KNOWN = [*ANSWERS, *KNOWN_EVENTS]


@pytest.mark.parametrize("ours", KNOWN, ids=named)
def test_every_field_that_the_library_requires_is_there_and_of_its_type(ours: Frozen) -> None:
    assert list(missing(model_of_theirs(ours), written(ours), named(ours))) == []


@pytest.mark.parametrize("ours", KNOWN, ids=named)
def test_the_library_reads_what_we_write(ours: Frozen) -> None:
    read = model_of_theirs(ours).from_dict(written(ours))
    assert type(read) is model_of_theirs(ours)


def test_every_answer_is_among_the_examples() -> None:
    ours = {ReprocessRecordingResponse}
    assert {type(answer) for answer in ANSWERS} == concrete(Timed) - ours


def concrete(model: type[Frozen]) -> set[type[Frozen]]:
    below = model.__subclasses__()
    return {model for model in below if not model.__subclasses__()}.union(*map(concrete, below))


def test_a_missing_field_would_be_found() -> None:
    call = written(CALL_ANSWER)
    del call["settings"]["ring"]["missed_call_timeout_ms"]
    call["session"]["participants"][0]["user"]["role"] = None
    assert list(missing(theirs.CallResponse, call, "call")) == [
        "call.settings.ring.missed_call_timeout_ms",
        "call.session.participants.0.user.role",
    ]


def test_the_library_reads_moments_to_the_microsecond() -> None:
    call = theirs.CallResponse.from_dict(written(CALL_ANSWER))
    assert call.updated_at == NOON
    assert call.session is not None
    assert call.session.participants[0].joined_at == at(30)
    assert call.session.accepted_by == {"alice": NOON}


def test_the_library_sees_that_a_call_is_recorded() -> None:
    call = theirs.CallResponse.from_dict(written(CALL_ANSWER))
    assert call.egress.individual_recording == theirs.IndividualRecordingResponse(status="running")
    assert call.settings.individual_recording.output_types == [
        "audio_only",
        "video_only",
        "audio_video",
        "screenshare_audio_only",
        "screenshare_video_only",
        "screenshare_audio_video",
    ]


def test_the_library_reads_a_listed_recording() -> None:
    listed = next(model for model in ANSWERS if named(model) == "ListRecordingsResponse")
    (recording,) = theirs.ListRecordingsResponse.from_dict(written(listed)).recordings
    assert recording.filename == file().filename
    assert recording.start_time == at(2)
    assert recording.end_time == at(60)
    assert recording.session_id == "session-1"


REQUIRED_BY_THE_BROWSER_CLIENT = {
    "ConnectedEvent": {"connection_id", "created_at", "me", "type"},
    "ConnectionErrorEvent": {"connection_id", "created_at", "error", "type"},
    "HealthCheckEvent": {"connection_id", "created_at", "custom", "type"},
}
"""`@stream-io/video-client` 1.60.0; the Python library has no WebSocket of its own.

Of all other models it requires no more than the Python library does, but for `type` of events.
"""


@pytest.mark.parametrize("ours", CONNECTION_EVENTS, ids=named)
def test_every_field_that_the_browser_client_requires_is_there(ours: Frozen) -> None:
    message = json.loads(ours.model_dump_json())
    required = REQUIRED_BY_THE_BROWSER_CLIENT[named(ours)]
    assert {name for name, value in message.items() if value is not None} >= required


@pytest.mark.parametrize("ours", [*CALL_EVENTS, *RECORDING_EVENTS], ids=named)
def test_an_event_has_its_type_its_id_and_rfc_3339_moments(ours: Frozen) -> None:
    event = json.loads(ours.model_dump_json())
    assert event["type"].startswith("call.")
    assert event["event_id"]
    assert event["call_cid"] == "default:standup"
    assert event["created_at"] == "2026-03-01T12:00:00.250000Z"


@pytest.mark.parametrize("ours", KNOWN_EVENTS, ids=named)
def test_the_webhook_helper_parses_an_event_in_nanoseconds(ours: Frozen) -> None:
    event = parse_event(in_nanoseconds(ours.model_dump_json()).encode())
    assert type(event) is model_of_theirs(ours)
    assert event.created_at == NOON


def test_the_webhook_helper_parses_no_event_in_rfc_3339() -> None:
    with pytest.raises(InvalidWebhookError, match="invalid literal for int"):
        parse_event(RECORDING_EVENTS[0].model_dump_json().encode())


def test_the_webhook_helper_hands_on_an_event_that_it_does_not_know() -> None:
    completed = RECORDING_EVENTS[-1]
    event = parse_event(in_nanoseconds(completed.model_dump_json()).encode())
    assert isinstance(event, UnknownEvent)
    assert event.raw == written(completed)


@pytest.mark.parametrize("event", ["", "{", "[]", "{}", '{"type": "call.x"}', "\x00"])
def test_what_is_no_event_is_not_rewritten(event: str) -> None:
    with pytest.raises(CorruptInput, match=r"^event: "):
        in_nanoseconds(event)


def test_the_user_of_a_connection_is_complete() -> None:
    connected = json.loads(CONNECTION_EVENTS[0].model_dump_json(context=NANOSECONDS))
    assert list(missing(theirs.OwnUserResponse, connected["me"], "me")) == []
