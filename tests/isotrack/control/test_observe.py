from __future__ import annotations

from datetime import timedelta

import pytest

from isotrack.contract.events import Event
from isotrack.recording.errors import Transient
from isotrack.recording.events import RecordingEvent
from isotrack.recording.settings import Mode
from isotrack.recording.tracks import Call, ParticipantSession
from tests.archives import RUNNING, STOPPED, MemoryArchive
from tests.builders import ALICE, CALL, NOON, at, hosted
from tests.fakes import MemoryAgentTable


def auto_on() -> MemoryArchive:
    return MemoryArchive(mode=Mode.AUTO_ON)


def created(mode: Mode = Mode.AVAILABLE) -> MemoryArchive:
    there = MemoryArchive(mode=mode)
    there.there.create()
    there.there.bus.events.clear()
    return there


def of_recordings(there: MemoryArchive) -> list[Event]:
    return [event for event in there.there.bus.events if isinstance(event, RecordingEvent)]


def types(there: MemoryArchive) -> list[str]:
    return [event.type for event in of_recordings(there)]


def test_the_first_report_of_an_agent_makes_its_queue_and_later_ones_find_it() -> None:
    there = MemoryArchive()
    assert there.report().poke_queue_url == "queue:sfu-1"
    assert there.report().poke_queue_url == "queue:sfu-1"
    assert there.there.queues.created == ["sfu-1"]


def test_nothing_is_desired_of_a_call_nobody_asked_to_record() -> None:
    assert MemoryArchive().report(hosted()).recordings == ()


def test_a_recording_goes_from_start_to_stop_and_each_is_told_once() -> None:
    there = created()
    there.report(hosted())
    egress_id = there.start()
    assert [e.egress_id for e in there.report(hosted()).recordings] == [egress_id]
    assert types(there) == []
    running = hosted(recordings={egress_id: RUNNING})
    for _ in range(2):
        assert [e.egress_id for e in there.report(running, seconds=7).recordings] == [egress_id]
    assert types(there) == ["call.recording_started"]
    there.stop()
    assert there.report(running, seconds=21).recordings == ()
    for _ in range(2):
        there.report(hosted(recordings={egress_id: STOPPED}), seconds=22)
    assert sorted(types(there)) == [
        "call.recording_completed",
        "call.recording_started",
        "call.recording_stopped",
    ]
    kept = there.there.calls.stopped(CALL, egress_id)
    assert kept is not None
    assert (kept.started_at, kept.observed_at, kept.ended_at) == (at(5), at(7), at(20))


def test_the_session_and_who_is_in_it_is_told() -> None:
    there = created()
    there.report(hosted())
    assert there.there.bus.types == ["call.session_started", "call.session_participant_joined"]
    there.report(hosted(ended_at=at(60)), seconds=60)
    assert there.there.bus.types[2:] == [
        "call.session_participant_left",
        "call.session_ended",
    ]


def test_an_event_the_bus_refused_is_sent_with_the_next_report_under_the_same_id() -> None:
    there = created()
    there.report(hosted())
    running = hosted(recordings={there.start(): RUNNING})
    there.there.bus.refusals = 1
    with pytest.raises(Transient):
        there.report(running, seconds=7)
    assert len(there.there.calls.records[CALL].outbox) == 1
    there.report(running, seconds=9)
    (event,) = of_recordings(there)
    assert event.created_at == at(7)
    assert there.there.calls.records[CALL].outbox == ()


def test_a_call_that_is_auto_on_is_recorded_from_the_moment_its_first_participant_joined() -> None:
    there = auto_on()
    bob = ParticipantSession(user_id="bob", user_session_id="bob-1", joined_at=at(1))
    alice = ALICE.model_copy(update={"joined_at": at(2)})
    (desired,) = there.report(hosted(participants=(alice, bob)), seconds=3).recordings
    assert desired.started_at == at(1)
    assert desired.call_session_id == "session-1"


def test_a_call_in_which_nobody_is_yet_is_not_recorded() -> None:
    there = auto_on()
    assert there.report(hosted(participants=())).recordings == ()
    assert len(there.report(hosted(), seconds=5).recordings) == 1


def test_a_recording_of_who_is_there_for_long_begins_now() -> None:
    there = MemoryArchive()
    there.report(hosted())
    there.mode = Mode.AUTO_ON
    (desired,) = there.report(hosted(), seconds=600).recordings
    assert desired.started_at == at(600)


def test_an_agent_whose_clock_is_ahead_records_from_when_its_participant_joined() -> None:
    ahead = ALICE.model_copy(update={"joined_at": NOON + timedelta(seconds=5)})
    (desired,) = auto_on().report(hosted(participants=(ahead,)), seconds=0).recordings
    assert desired.started_at == at(5)


def test_auto_on_starts_once_in_a_session_so_that_a_stop_lasts() -> None:
    there = created(Mode.AUTO_ON)
    (desired,) = there.report(hosted()).recordings
    there.stop()
    stopped = hosted(recordings={desired.egress_id: STOPPED})
    assert there.report(stopped).recordings == ()
    assert there.report(hosted()).recordings == ()


def test_auto_on_starts_again_in_the_next_session() -> None:
    there = auto_on()
    (first,) = there.report(hosted()).recordings
    there.report(hosted(ended_at=at(60)))
    later = hosted(session="session-2", started_at=at(90))
    (second,) = there.report(later, seconds=91).recordings
    assert second.egress_id != first.egress_id
    assert second.call_session_id == "session-2"


def test_auto_on_of_a_call_counts_where_its_type_says_otherwise() -> None:
    there = MemoryArchive(mode=Mode.DISABLED)
    section = {"mode": "auto-on", "output_types": ["audio_only"]}
    there.there.create(settings_override={"individual_recording": section})
    (desired,) = there.report(hosted()).recordings
    assert [output.value for output in desired.output_types] == ["audio_only"]


def test_nothing_is_desired_of_a_call_that_has_ended() -> None:
    assert auto_on().report(hosted(ended_at=at(60))).recordings == ()


def test_two_agents_that_host_a_call_record_the_same_recording() -> None:
    there = auto_on()
    (one,) = there.report(hosted()).recordings
    (other,) = there.report(hosted(), agent="sfu-2").recordings
    assert other == one


def test_the_answer_is_about_the_reported_calls_and_no_others() -> None:
    there = auto_on()
    other = Call(call_type="default", call_id="retro")
    there.report(hosted())
    answer = there.report(hosted(call=other), agent="sfu-2")
    assert [egress.call for egress in answer.recordings] == [other]


def test_a_call_of_a_type_nobody_made_follows_the_default() -> None:
    strange = Call(call_type="strange", call_id="c1")
    assert len(auto_on().report(hosted(call=strange)).recordings) == 1


def test_a_report_that_says_nothing_new_writes_nothing() -> None:
    there = MemoryArchive()
    there.report(hosted())
    version = there.there.calls.records[CALL].version
    there.report(hosted(), seconds=30)
    assert there.there.calls.records[CALL].version == version
    session = there.there.calls.records[CALL].session
    assert session is not None
    assert session.started_at == NOON


class LostQueue(MemoryAgentTable):
    def keep_poke_queue_url(self, agent_id: str, url: str) -> None:
        raise Transient("the table is busy")


def test_a_report_that_broke_at_once_changes_nothing() -> None:
    there = MemoryArchive()
    there.there.agents = LostQueue()
    with pytest.raises(Transient):
        there.report(hosted())
    assert there.there.calls.records == {}
