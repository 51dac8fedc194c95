from __future__ import annotations

from datetime import datetime

import pytest

from isotrack.recording.agents import EgressState, HostedCall
from isotrack.recording.calls import CallRecord, EgressStatus
from isotrack.recording.outputs import OutputType
from isotrack.recording.sightings import Sighting, seen
from tests.builders import ALICE, CALL, NOON, at, hosted

RUNNING = {"egress-1": EgressState.RUNNING}
STOPPED = {"egress-1": EgressState.STOPPED}
STARTED = "call.recording_started"
ENDED = "call.recording_stopped"
FAILED = "call.recording_failed"


class Story:
    """A call that things happen to, one after another; stopped recordings are put away."""

    def __init__(self) -> None:
        self.record = CallRecord(call=CALL)
        self.past: dict[str, tuple[EgressStatus, datetime | None]] = {}

    def report(self, call: HostedCall, agent: str = "sfu-1", seconds: float = 10) -> Story:
        self.record = seen(self.record, Sighting(agent, f"q-{agent}", call, at(seconds)))
        for egress in self.record.egresses:
            if egress.status is EgressStatus.STOPPED:
                self.past[egress.egress_id] = (egress.status, egress.ended_at)
        live = tuple(e for e in self.record.egresses if e.status is not EgressStatus.STOPPED)
        self.record = self.record.model_copy(update={"egresses": live})
        return self

    def start(self, egress_id: str = "egress-1") -> Story:
        self.record = self.record.start(egress_id, at(5), (OutputType.AUDIO_ONLY,), "isotrack")
        return self

    def stop(self, seconds: float = 20) -> Story:
        self.record = self.record.stop(at(seconds))
        return self

    @property
    def told(self) -> list[str]:
        return [event.type for event in self.record.outbox]


def recorded() -> Story:
    return Story().report(hosted()).start().report(hosted(recordings=RUNNING))


def test_a_call_first_reported_has_a_session_hosted_by_the_agent() -> None:
    session = Story().report(hosted()).record.active_session
    assert session is not None
    assert session.call_session_id == "session-1"
    assert session.started_at == NOON
    assert session.hosts["sfu-1"].poke_queue_url == "q-sfu-1"
    assert session.hosts["sfu-1"].participants == (ALICE,)


def test_the_same_report_again_changes_nothing() -> None:
    story = recorded()
    again = seen(story.record, Sighting("sfu-1", "q-sfu-1", hosted(recordings=RUNNING), at(99)))
    assert again == story.record


def test_participants_are_those_of_the_last_report() -> None:
    story = Story().report(hosted()).report(hosted(participants=()))
    assert story.record.session is not None
    assert story.record.session.hosts["sfu-1"].participants == ()


def test_started_is_told_once_when_the_first_agent_records() -> None:
    story = recorded()
    assert story.told == [STARTED]
    assert story.record.active_egress is not None
    assert story.record.active_egress.status is EgressStatus.RUNNING
    assert story.record.active_egress.observed_at == at(10)
    story.report(hosted(recordings=RUNNING), agent="sfu-2")
    assert story.told == [STARTED]


def test_an_agent_that_does_not_record_yet_changes_nothing() -> None:
    story = Story().report(hosted()).start().report(hosted())
    assert story.told == []
    assert story.record.active_egress is not None
    assert story.record.active_egress.status is EgressStatus.STARTING


def test_stopped_is_told_once_the_agent_has_stopped() -> None:
    story = recorded().stop(20)
    story.report(hosted(recordings=RUNNING), seconds=21)
    assert story.told == [STARTED]
    story.report(hosted(recordings=STOPPED), seconds=22)
    assert story.told == [STARTED, ENDED]
    assert story.past["egress-1"] == (EgressStatus.STOPPED, at(20))
    story.report(hosted(recordings=STOPPED), seconds=23)
    assert story.told == [STARTED, ENDED]


def test_a_recording_runs_until_its_last_agent_has_stopped() -> None:
    story = recorded().report(hosted(recordings=RUNNING), agent="sfu-2").stop()
    story.report(hosted(recordings=STOPPED), agent="sfu-1")
    assert story.told == [STARTED]
    story.report(hosted(recordings=STOPPED), agent="sfu-2")
    assert story.told == [STARTED, ENDED]


def test_an_agent_that_stops_by_itself_ends_the_recording() -> None:
    story = recorded().report(hosted(recordings=STOPPED), seconds=30)
    assert story.told == [STARTED, ENDED]
    assert story.past["egress-1"] == (EgressStatus.STOPPED, at(30))


def test_a_restarted_agent_that_forgot_the_recording_is_told_to_go_on() -> None:
    story = recorded().report(hosted())
    assert story.told == [STARTED]
    desired = story.record.desired("session-1")
    assert desired is not None
    assert desired.egress_id == "egress-1"


def test_a_recording_that_came_and_went_between_two_reports_is_told_as_both() -> None:
    story = Story().report(hosted()).start().stop().report(hosted(recordings=STOPPED))
    assert story.told == [STARTED, ENDED]


def test_a_recording_stopped_before_it_began_is_told_as_stopped() -> None:
    story = Story().report(hosted()).start().stop().report(hosted())
    assert story.told == [ENDED]


def test_the_end_of_a_call_ends_its_recording_even_when_no_stop_was_heard() -> None:
    story = recorded().report(hosted(ended_at=at(60), recordings=RUNNING), seconds=61)
    assert story.told == [STARTED, ENDED]
    assert story.past["egress-1"] == (EgressStatus.STOPPED, at(60))
    assert story.record.active_session is None


def test_the_end_of_a_call_before_anybody_recorded_is_told_as_a_failure() -> None:
    story = Story().report(hosted()).start().report(hosted(ended_at=at(60)))
    assert story.told == [FAILED]
    assert story.past["egress-1"] == (EgressStatus.STOPPED, at(60))


def test_a_call_hosted_twice_ends_with_its_last_host() -> None:
    story = recorded().report(hosted(), agent="sfu-2")
    story.report(hosted(ended_at=at(60), recordings=STOPPED), agent="sfu-2")
    assert story.record.active_session is not None
    story.report(hosted(ended_at=at(70), recordings=STOPPED), agent="sfu-1")
    assert story.record.active_session is None
    assert story.told == [STARTED, ENDED]


def test_a_session_that_is_over_does_not_begin_again() -> None:
    story = recorded().report(hosted(ended_at=at(60))).report(hosted(recordings=RUNNING))
    assert story.record.active_session is None
    assert story.told == [STARTED, ENDED]


def test_a_later_session_takes_the_place_of_the_last_and_ends_its_recording() -> None:
    story = recorded().report(hosted(session="session-2", started_at=at(100)), seconds=101)
    session = story.record.active_session
    assert session is not None
    assert session.call_session_id == "session-2"
    assert story.told == [STARTED, ENDED]
    assert story.past["egress-1"] == (EgressStatus.STOPPED, at(101))


def test_a_late_report_of_an_earlier_session_changes_nothing() -> None:
    story = Story().report(hosted(session="session-2", started_at=at(100))).start()
    before = story.record
    story.report(hosted(session="session-1", recordings=RUNNING))
    assert story.record == before


@pytest.mark.parametrize("state", list(EgressState))
def test_recordings_nobody_knows_are_ignored(state: EgressState) -> None:
    story = Story().report(hosted(recordings={"foreign": state}))
    assert story.told == []
    assert story.record.egresses == ()
