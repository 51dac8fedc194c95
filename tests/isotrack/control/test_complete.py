from __future__ import annotations

import json
from typing import Any

import pytest

from isotrack.recording import keys
from isotrack.recording.errors import Transient
from isotrack.recording.events import CallRecordingCompleted
from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import Source
from tests.archives import RUNNING, STOPPED, MemoryArchive, file_of
from tests.builders import CALL, at, hosted

P, S = Source.PARTICIPANT, Source.SCREENSHARE


def completed(of: MemoryArchive) -> list[CallRecordingCompleted]:
    return [event for event in of.there.bus.events if isinstance(event, CallRecordingCompleted)]


def written(of: MemoryArchive, egress_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(of.files.get(keys.recording_manifest(CALL, egress_id)))
    return found


def test_a_recording_in_which_nobody_published_is_complete_when_it_stops() -> None:
    there = MemoryArchive()
    egress_id = there.record()
    (event,) = completed(there)
    assert (event.egress_id, event.file_count, event.failure_count) == (egress_id, 0, 0)
    assert written(there, egress_id)["participants"] == []


def test_the_last_file_after_the_stop_completes_a_recording() -> None:
    there = MemoryArchive()
    egress_id = there.record(alice=1, bob=1)
    there.plan(egress_id, "alice", P, S)
    there.plan(egress_id, "bob", P)
    assert not there.announce(file_of("alice", egress_id))
    assert not there.announce(file_of("bob", egress_id))
    assert completed(there) == []
    shared = file_of("alice", egress_id, OutputType.SCREENSHARE_AUDIO_VIDEO)
    assert there.announce(shared, seconds=90)
    (event,) = completed(there)
    assert event.created_at == at(90)
    assert (event.participant_session_count, event.file_count, event.revision) == (2, 3, 1)
    assert event.manifest_key == keys.recording_manifest(CALL, egress_id)
    assert event.manifest_url == there.files.url(event.manifest_key, expires_seconds=604_800)


def test_the_stop_after_the_last_file_completes_a_recording() -> None:
    there = MemoryArchive()
    there.there.create()
    there.report(hosted())
    egress_id = there.start()
    running = hosted(recordings={egress_id: RUNNING}, sealed={"alice-1": 1}, participants=())
    there.report(running, seconds=6)
    there.plan(egress_id, "alice", P)
    assert not there.announce(file_of("alice", egress_id))
    there.stop()
    assert completed(there) == []
    there.report(hosted(recordings={egress_id: STOPPED}, sealed={"alice-1": 1}), seconds=80)
    assert [event.file_count for event in completed(there)] == [1]


def test_a_recording_that_one_of_two_agents_still_seals_is_not_complete() -> None:
    there = MemoryArchive()
    there.there.create()
    for agent in ("sfu-1", "sfu-2"):
        there.report(hosted(), agent=agent)
    egress_id = there.start()
    for agent in ("sfu-1", "sfu-2"):
        there.report(hosted(recordings={egress_id: RUNNING}), agent=agent, seconds=6)
    there.stop()
    there.report(hosted(recordings={egress_id: STOPPED}, sealed={"alice-1": 1}), seconds=21)
    there.plan(egress_id, "alice", P)
    assert not there.announce(file_of("alice", egress_id))
    over = hosted(recordings={egress_id: STOPPED}, sealed={"bob-1": 1})
    there.report(over, agent="sfu-2", seconds=22)
    assert completed(there) == []
    there.plan(egress_id, "bob", P)
    assert there.announce(file_of("bob", egress_id))
    listed = written(there, egress_id)["participants"]
    assert [participant["user_id"] for participant in listed] == ["alice", "bob"]


def test_the_manifest_has_every_participant_file_timing_and_failure() -> None:
    there = MemoryArchive()
    egress_id = there.record(alice=1, bob=1, carol=1)
    there.plan(egress_id, "alice", P)
    there.plan(egress_id, "bob", P)
    there.plan(egress_id, "carol")  # published nothing of what was asked for
    there.capture(egress_id, "carol")
    there.announce(file_of("alice", egress_id, fallback=True))
    assert there.fail(there.capture(egress_id, "bob"), P, seconds=75)
    listed = written(there, egress_id)
    assert {name: listed[name] for name in ("revision", "started_at", "ended_at")} == {
        "revision": 1,
        "started_at": "2026-03-01T12:00:05.250000Z",
        "ended_at": "2026-03-01T12:00:20.250000Z",
    }
    assert listed["completed_at"] == "2026-03-01T12:01:15.250000Z"
    alice, bob, carol = listed["participants"]
    (file,) = alice["files"]
    assert file["start_time"] == "2026-03-01T12:00:02.250000Z"
    assert (file["timeline_offset_ms"], file["fallback"], file["sha256"]) == (2000, True, "ab" * 32)
    assert bob["files"] == []
    assert [(why["code"], why["source"]) for why in bob["failures"]] == [
        ("NothingPlayable", "participant")
    ]
    assert (carol["user_id"], carol["files"], carol["failures"]) == ("carol", [], [])
    (event,) = completed(there)
    assert (event.file_count, event.failure_count) == (1, 1)
    assert [(why.user_id, why.retryable) for why in event.failures] == [("bob", False)]


def test_a_plan_that_failed_ends_all_jobs_of_its_session() -> None:
    there = MemoryArchive()
    egress_id = there.record(alice=1)
    key = keys.manifest(keys.session_prefix(CALL, egress_id, "alice-1"))
    assert there.fail(key)  # its manifest cannot be read
    (participant,) = written(there, egress_id)["participants"]
    assert participant["user_id"] is None
    assert [why["source"] for why in participant["failures"]] == [None]


def test_it_is_told_once_however_often_it_is_looked_at() -> None:
    there = MemoryArchive()
    egress_id = there.record(alice=1)
    there.plan(egress_id, "alice", P)
    there.announce(file_of("alice", egress_id))
    for _ in range(2):
        assert not there.complete(egress_id)
        there.report(hosted(recordings={egress_id: STOPPED}, sealed={"alice-1": 1}), seconds=99)
    assert len(completed(there)) == 1


def test_of_two_who_find_it_complete_at_once_one_tells_it() -> None:
    there = MemoryArchive()
    egress_id = there.record(alice=1)
    there.plan(egress_id, "alice", P)
    there.outcomes.keep(file_of("alice", egress_id), at(70))
    there.progress.done(CALL, egress_id, "alice-1", 1, P)
    assert there.progress.claim(CALL, egress_id, 1, "another execution")  # which is at it now
    assert not there.complete(egress_id)
    assert completed(there) == []
    assert there.complete(egress_id, holder="another execution")
    assert not there.complete(egress_id)
    assert len(completed(there)) == 1


def test_an_execution_that_broke_before_its_event_tells_the_same_when_it_is_tried_again() -> None:
    there = MemoryArchive()
    egress_id = there.record(alice=1)
    there.plan(egress_id, "alice", P)
    made = file_of("alice", egress_id)
    there.outcomes.keep(made, at(70))
    there.progress.done(CALL, egress_id, "alice-1", 1, P)
    there.there.bus.refusals = 1
    with pytest.raises(Transient):
        there.complete(egress_id)
    before = there.files.get(keys.recording_manifest(CALL, egress_id))
    assert there.complete(egress_id)
    assert there.files.get(keys.recording_manifest(CALL, egress_id)) == before
    assert len(completed(there)) == 1


def test_a_report_of_the_stop_that_broke_completes_the_recording_when_it_comes_again() -> None:
    there = MemoryArchive()
    there.there.create()
    there.report(hosted())
    egress_id = there.start()
    there.report(hosted(recordings={egress_id: RUNNING}), seconds=6)
    there.stop()
    over = hosted(recordings={egress_id: STOPPED})
    there.there.bus.refusals = 1
    with pytest.raises(Transient):
        there.report(over, seconds=21)
    there.report(over, seconds=26)
    assert len(completed(there)) == 1
    assert "call.recording_stopped" in there.there.bus.types


def test_a_recording_that_runs_or_was_never_heard_of_is_not_complete() -> None:
    there = MemoryArchive()
    there.there.create()
    there.report(hosted())
    assert not there.complete(there.start())
    assert not there.complete("never-heard-of")


def test_a_recording_no_agent_had_begun_is_complete_with_that_failure() -> None:
    there = MemoryArchive()
    there.there.create()
    there.report(hosted())
    egress_id = there.start()
    there.report(hosted(ended_at=at(8)), seconds=8)
    (event,) = completed(there)
    assert [why.code for why in event.failures] == ["NeverRecorded"]
    assert [why["code"] for why in written(there, egress_id)["failures"]] == ["NeverRecorded"]
    assert "call.recording_failed" in there.there.bus.types


def test_what_an_agent_tells_late_of_a_recording_given_up_is_expected_too() -> None:
    there = MemoryArchive()
    egress_id = there.record(alice=1)
    over = hosted(recordings={egress_id: STOPPED}, sealed={"bob-1": 1})
    there.report(over, agent="sfu-2", seconds=900)
    there.plan(egress_id, "alice", P)
    assert not there.announce(file_of("alice", egress_id))
    there.plan(egress_id, "bob", P)
    assert there.announce(file_of("bob", egress_id))
