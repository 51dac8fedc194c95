from __future__ import annotations

from typing import Any

import pytest

from isotrack.calls.permissions import Caller
from isotrack.contract.recordings import ListRecordingsQuery, ListRecordingsResponse
from isotrack.control.list_recordings import list_recordings
from isotrack.recording.errors import Forbidden, Invalid, Missing
from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import Call
from tests.archives import MemoryArchive, file_of
from tests.builders import CALL, at
from tests.worlds import SERVER

USERS = ("alice", "bob", "carol")


@pytest.fixture
def there() -> MemoryArchive:
    """With two recordings of three users: audio and video, and audio alone."""
    there = MemoryArchive()
    there.there.create()
    for egress_id in ("egress-1", "egress-2"):
        for user in USERS:
            for output in (OutputType.AUDIO_ONLY, OutputType.AUDIO_VIDEO):
                session = {"call_session_id": f"of-{egress_id}"}
                there.announce(file_of(user, egress_id, output, **session))
    return there


def listed(
    there: MemoryArchive,
    *,
    caller: Caller = SERVER,
    call: Call = CALL,
    session: str | None = None,
    **query: Any,
) -> ListRecordingsResponse:
    return list_recordings(
        call,
        ListRecordingsQuery.model_validate(query),
        caller=caller,
        call_session_id=session,
        world=there.world,
        archive=there.archive,
    )


def test_all_files_of_a_call_are_listed_with_links_to_them(there: MemoryArchive) -> None:
    found = listed(there)
    assert len(found.recordings) == 12
    assert found.next is None
    first = found.recordings[0]
    assert (first.egress_id, first.user_id, first.output_type) == (
        "egress-1",
        "alice",
        "audio_only",
    )
    assert first.url == there.files.url(first.key, expires_seconds=604_800)
    assert first.sidecar_url.endswith(".json")


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"user_id": "bob"}, 4),
        ({"user_session_id": "carol-1"}, 4),
        ({"output_type": "audio_only"}, 6),
        ({"egress_id": "egress-2"}, 6),
        ({"egress_id": "egress-2", "user_id": "bob", "output_type": "audio_video"}, 1),
        ({"user_id": "nobody"}, 0),
        ({"egress_id": "egress"}, 0),
        ({"user_id": "alice", "user_session_id": "bob-1"}, 0),
    ],
)
def test_a_filter_leaves_those_that_match_all_of_it(
    there: MemoryArchive, query: dict[str, str], count: int
) -> None:
    found = listed(there, **query).recordings
    assert len(found) == count
    for recording in found:
        assert {name: getattr(recording, name) for name in query} == query


def test_those_of_one_session_of_the_call_can_be_asked_for(there: MemoryArchive) -> None:
    found = listed(there, session="of-egress-2").recordings
    assert {recording.egress_id for recording in found} == {"egress-2"}
    assert len(found) == 6


@pytest.mark.parametrize("limit", [1, 2, 5, 11, 12, 100])
@pytest.mark.parametrize("query", [{}, {"output_type": "audio_only"}, {"egress_id": "egress-2"}])
def test_pages_have_all_of_a_list_in_its_order_and_nothing_twice(
    there: MemoryArchive, limit: int, query: dict[str, str]
) -> None:
    page = listed(there, limit=limit, **query)
    keys = [recording.key for recording in page.recordings]
    while page.next is not None:
        assert len(page.recordings) == limit
        page = listed(there, limit=limit, next=page.next, **query)
        keys += [recording.key for recording in page.recordings]
    assert keys == [recording.key for recording in listed(there, **query).recordings]


def test_a_next_that_no_page_gave_is_refused_by_name(there: MemoryArchive) -> None:
    with pytest.raises(Invalid, match="next"):
        listed(there, next="../../etc")


def test_of_a_file_made_again_the_newest_is_listed_wherever_a_page_ends(
    there: MemoryArchive,
) -> None:
    for revision in (2, 3):
        again = file_of("bob", "egress-1", OutputType.AUDIO_ONLY, revision=revision)
        there.announce(again)
    assert len(listed(there).recordings) == 12
    (bob,) = listed(there, user_id="bob", egress_id="egress-1", output_type="audio_only").recordings
    assert (bob.revision, bob.key) == (3, again.key)
    page, found = listed(there, limit=1), []
    while page.next is not None:
        found += page.recordings
        page = listed(there, limit=1, next=page.next)
    revisions = [r.revision for r in (*found, *page.recordings) if r.filename == again.filename]
    assert revisions == [3, 1]  # of the first recording, and of the second


def test_failures_are_not_among_the_files(there: MemoryArchive) -> None:
    there.fail(there.capture("egress-1", "dave"))
    assert len(listed(there).recordings) == 12


def test_files_of_a_call_that_has_ended_are_listed(there: MemoryArchive) -> None:
    record = there.there.calls.records[CALL]
    there.there.calls.records[CALL] = record.end(at(90))
    assert len(listed(there).recordings) == 12


def test_files_of_another_call_are_never_listed(there: MemoryArchive) -> None:
    other = Call(call_type="default", call_id="retro")
    there.there.create(call=other)
    assert listed(there, call=other).recordings == ()
    page = listed(there, limit=1)
    assert listed(there, call=other, next=page.next).recordings == ()


def test_a_call_nobody_created_has_no_list(there: MemoryArchive) -> None:
    with pytest.raises(Missing, match="default:elsewhere"):
        listed(there, call=Call(call_type="default", call_id="elsewhere"))


def test_members_may_list_and_strangers_may_not(there: MemoryArchive) -> None:
    bob = there.there.user("bob")
    with pytest.raises(Forbidden):
        listed(there, caller=bob)
    there.there.member("bob")
    assert len(listed(there, caller=bob).recordings) == 12
    there.there.grant({"call_member": ["read-call"]})
    with pytest.raises(Forbidden, match="ListRecordings"):
        listed(there, caller=bob)
