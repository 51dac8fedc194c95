from __future__ import annotations

import json

import pytest

from isotrack.calls.permissions import Caller
from isotrack.contract.recordings import ReprocessRecordingResponse
from isotrack.control.reprocess import reprocess
from isotrack.recording import keys
from isotrack.recording.errors import Conflict, Forbidden, Missing, Transient
from isotrack.recording.events import CallRecordingCompleted
from isotrack.recording.tracks import Call, Source
from tests.archives import MemoryArchive, file_of
from tests.builders import CALL, at, hosted
from tests.fakes import MemoryExecutions
from tests.worlds import SERVER

P = Source.PARTICIPANT


def again(
    there: MemoryArchive, egress_id: str, *, caller: Caller = SERVER, call: Call = CALL
) -> ReprocessRecordingResponse:
    return reprocess(
        call,
        egress_id,
        caller=caller,
        archive=there.archive,
        executions=there.executions,
        now=at(200),
    )


def recorded(there: MemoryArchive) -> str:
    """A complete recording of Alice and Bob."""
    egress_id = there.record(alice=1, bob=1)
    for user in ("alice", "bob"):
        there.capture(egress_id, user)
        there.plan(egress_id, user, P)
        there.announce(file_of(user, egress_id))
    return egress_id


def completed(there: MemoryArchive) -> list[CallRecordingCompleted]:
    return [event for event in there.there.bus.events if isinstance(event, CallRecordingCompleted)]


def inputs(there: MemoryArchive) -> list[tuple[str, int]]:
    started = [json.loads(text) for text in there.executions.started.values()]
    return [
        (keys.session_ids(given["manifest_key"]).user_session_id, given["revision"])
        for given in started
    ]


def test_each_manifest_is_started_with_the_next_revision() -> None:
    there = MemoryArchive()
    egress_id = recorded(there)
    answer = again(there, egress_id)
    assert answer.user_session_ids == ("alice-1", "bob-1")
    assert (answer.egress_id, answer.revision, answer.started_at) == (egress_id, 2, at(200))
    assert inputs(there) == [("alice-1", 2), ("bob-1", 2)]
    assert again(there, egress_id).revision == 3


def test_a_recording_made_again_is_complete_again_with_its_revision() -> None:
    there = MemoryArchive()
    egress_id = recorded(there)
    again(there, egress_id)
    assert [event.revision for event in completed(there)] == [1]
    for user in ("alice", "bob"):
        there.plan(egress_id, user, P, revision=2)
    assert not there.announce(file_of("alice", egress_id, revision=2))
    assert there.announce(file_of("bob", egress_id, revision=2))
    assert [event.revision for event in completed(there)] == [1, 2]
    assert len({event.event_id for event in completed(there)}) == 2
    listed = json.loads(there.files.get(keys.recording_manifest(CALL, egress_id)))
    files = [file for participant in listed["participants"] for file in participant["files"]]
    assert [file["revision"] for file in files] == [2, 2]


def test_what_failed_before_and_is_made_now_is_no_failure_any_more() -> None:
    there = MemoryArchive()
    egress_id = there.record(alice=1)
    key = there.capture(egress_id, "alice")
    there.plan(egress_id, "alice", P)
    assert there.fail(key, P)
    again(there, egress_id)
    there.plan(egress_id, "alice", P, revision=2)
    assert there.announce(file_of("alice", egress_id, revision=2))
    assert [(event.file_count, event.failure_count) for event in completed(there)] == [
        (0, 1),
        (1, 0),
    ]


def test_what_fails_again_is_a_failure_of_its_own_and_the_old_file_stays() -> None:
    there = MemoryArchive()
    egress_id = there.record(alice=1)
    key = there.capture(egress_id, "alice")
    there.plan(egress_id, "alice", P)
    there.announce(file_of("alice", egress_id))
    again(there, egress_id)
    there.plan(egress_id, "alice", P, revision=2)
    assert there.fail(key, P, revision=2)
    second = completed(there)[1]
    assert (second.file_count, second.failure_count) == (1, 1)


def test_a_session_that_was_sealed_and_never_told_of_is_made_too() -> None:
    there = MemoryArchive()
    egress_id = there.record(alice=1)
    for user in ("alice", "bob"):
        there.capture(egress_id, user)
    assert again(there, egress_id).user_session_ids == ("alice-1", "bob-1")


class Tired(MemoryExecutions):
    """Starts one, then is busy."""

    def start(self, name: str, execution_input: str) -> bool:
        if len(self.started) == 1:
            raise Transient("throttled")
        return super().start(name, execution_input)


def test_a_request_that_broke_half_way_goes_on_when_it_is_sent_again() -> None:
    there = MemoryArchive(executions=Tired())
    egress_id = recorded(there)
    with pytest.raises(Transient):
        again(there, egress_id)
    rested = MemoryExecutions()
    rested.started = dict(there.executions.started)
    there.executions = rested
    assert again(there, egress_id).revision == 2
    assert inputs(there) == [("alice-1", 2), ("bob-1", 2)]


class Swift(MemoryExecutions):
    """Executions that have ended when they are said to have started."""

    def __init__(self, there: MemoryArchive, egress_id: str) -> None:
        super().__init__()
        self._there, self._egress_id = there, egress_id

    def start(self, name: str, execution_input: str) -> bool:
        session = keys.session_ids(json.loads(execution_input)["manifest_key"]).user_session_id
        user = session.removesuffix("-1")
        self._there.plan(self._egress_id, user, P, revision=2)
        self._there.announce(file_of(user, self._egress_id, revision=2))
        return super().start(name, execution_input)


def test_executions_faster_than_the_request_complete_the_recording_all_the_same() -> None:
    there = MemoryArchive()
    egress_id = recorded(there)
    there.executions = Swift(there, egress_id)
    again(there, egress_id)
    assert [event.revision for event in completed(there)] == [1, 2]


def test_a_recording_that_runs_is_not_made_again() -> None:
    there = MemoryArchive()
    there.there.create()
    there.report(hosted())
    with pytest.raises(Conflict, match="has not stopped yet"):
        again(there, there.start())


def test_a_recording_nobody_knows_is_missing() -> None:
    there = MemoryArchive()
    egress_id = recorded(there)
    with pytest.raises(Missing, match="no recording elsewhere of call default:standup"):
        again(there, "elsewhere")
    with pytest.raises(Missing, match="default:retro"):
        again(there, egress_id, call=Call(call_type="default", call_id="retro"))


def test_what_was_captured_and_is_gone_cannot_be_made_again() -> None:
    there = MemoryArchive()
    egress_id = recorded(there)
    there.raw.objects.clear()
    with pytest.raises(Missing, match="is kept any more"):
        again(there, egress_id)
    assert there.executions.started == {}


def test_no_user_makes_anything_again_whatever_their_role() -> None:
    there = MemoryArchive()
    egress_id = recorded(there)
    with pytest.raises(Forbidden, match="ReprocessRecording"):
        again(there, egress_id, caller=there.there.user("root", role="admin"))
