from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pytest

from isotrack.calls.egresses import SEALING_TIMEOUT, EgressStatus
from isotrack.calls.notices import event_id
from isotrack.calls.records import CallRecord
from isotrack.calls.sessions import JOINS_AT_ONCE, MOVE_GRACE, CallSession
from isotrack.calls.sightings import Sighting, seen
from isotrack.recording.agents import EgressState, HostedCall, ObservedEgress
from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import ParticipantSession
from tests.builders import ALICE, CALL, NOON, at, hosted

RUNNING = {"egress-1": EgressState.RUNNING}
STOPPED = {"egress-1": EgressState.STOPPED}
STARTED = "call.recording_started"
ENDED = "call.recording_stopped"
FAILED = "call.recording_failed"
SESSION_STARTED = "call.session_started"
SESSION_ENDED = "call.session_ended"
JOINED = "call.session_participant_joined"
LEFT = "call.session_participant_left"
GRACE = MOVE_GRACE.total_seconds()
BOB = ParticipantSession(user_id="bob", user_session_id="bob-1", joined_at=at(30))
ALICE_AGAIN = ParticipantSession(user_id="alice", user_session_id="alice-2", joined_at=at(40))


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

    def create(self) -> Story:
        self.record = self.record.create("alice", NOON)
        return self

    def end(self, seconds: float) -> Story:
        self.record = self.record.end(at(seconds))
        return self

    @property
    def session(self) -> CallSession:
        assert self.record.session is not None
        return self.record.session

    @property
    def told(self) -> list[str]:
        """What was told of recordings."""
        return [t for t in self.types if t.startswith("call.recording_")]

    @property
    def told_of_sessions(self) -> list[str]:
        return [t for t in self.types if t.startswith("call.session_")]

    @property
    def types(self) -> list[str]:
        return [notice.type for notice in self.record.outbox]


def recorded() -> Story:
    return Story().report(hosted()).start().report(hosted(recordings=RUNNING))


def sealing(
    state: EgressState, sealed: Mapping[str, int], ended_at: datetime | None = None
) -> HostedCall:
    """A report of the recording that says what is sealed."""
    seen = ObservedEgress(egress_id="egress-1", state=state, sealed=dict(sealed))
    return hosted(ended_at=ended_at).model_copy(update={"recordings": (seen,)})


def test_a_call_first_reported_has_a_session_hosted_by_the_agent() -> None:
    story = Story().report(hosted())
    session = story.record.active_session
    assert session is not None
    assert session.call_session_id == "session-1"
    assert session.started_at == NOON
    assert session.hosts["sfu-1"].poke_queue_url == "q-sfu-1"
    assert [stay.user_session_id for stay in session.participants] == ["alice-1"]
    assert story.told_of_sessions == [SESSION_STARTED, JOINED]


def test_the_same_report_again_changes_nothing() -> None:
    story = recorded()
    again = seen(story.record, Sighting("sfu-1", "q-sfu-1", hosted(recordings=RUNNING), at(99)))
    assert again == story.record


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


def test_the_end_of_a_call_ends_its_recording_when_its_agent_is_done() -> None:
    story = recorded().report(hosted(ended_at=at(60), recordings=RUNNING), seconds=61)
    assert story.record.active_session is None
    assert story.told == [STARTED]
    story.report(hosted(ended_at=at(60), recordings=STOPPED), seconds=65)
    assert story.told == [STARTED, ENDED]
    assert story.past["egress-1"] == (EgressStatus.STOPPED, at(60))


def test_the_end_of_a_call_ends_its_recording_though_its_agent_forgot_it() -> None:
    story = recorded().report(hosted(ended_at=at(60)), seconds=61)
    story.report(hosted(ended_at=at(60)), seconds=62)
    assert story.told == [STARTED, ENDED]
    assert story.past["egress-1"] == (EgressStatus.STOPPED, at(60))


def test_a_recording_heard_of_only_at_the_end_of_its_call_is_told_as_both() -> None:
    story = Story().report(hosted()).start()
    story.report(hosted(ended_at=at(60), recordings=STOPPED), seconds=61)
    assert story.told == [STARTED, ENDED]
    assert story.past["egress-1"] == (EgressStatus.STOPPED, at(60))


def test_the_end_of_a_call_before_anybody_recorded_is_told_as_a_failure() -> None:
    story = Story().report(hosted()).start().report(hosted(ended_at=at(60)), seconds=61)
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


def test_a_later_session_takes_the_place_of_the_last_and_stops_its_recording() -> None:
    story = recorded().report(hosted(session="session-2", started_at=at(100)), seconds=101)
    session = story.record.active_session
    assert session is not None
    assert session.call_session_id == "session-2"
    assert story.told_of_sessions == [
        SESSION_STARTED,
        JOINED,
        LEFT,
        SESSION_ENDED,
        SESSION_STARTED,
        JOINED,
    ]
    assert story.told == [STARTED]
    story.report(sealing(EgressState.STOPPED, {"alice-1": 1}, ended_at=at(100)), seconds=103)
    assert story.told == [STARTED, ENDED]
    assert story.past["egress-1"] == (EgressStatus.STOPPED, at(101))


def test_an_agent_that_never_says_it_stopped_is_not_waited_for_for_ever() -> None:
    story = recorded().report(hosted(), agent="sfu-2").stop(20)
    late = 20 + SEALING_TIMEOUT.total_seconds()
    story.report(hosted(), agent="sfu-2", seconds=late - 1)
    assert story.told == [STARTED]
    story.report(hosted(), agent="sfu-2", seconds=late)
    assert story.told == [STARTED, ENDED]


def test_an_agent_of_a_session_gone_by_is_not_waited_for_for_ever() -> None:
    next_session = hosted(session="session-2", started_at=at(100))
    story = recorded().report(next_session, seconds=101)
    story.report(next_session, seconds=101 + SEALING_TIMEOUT.total_seconds())
    assert story.told == [STARTED, ENDED]


def test_an_agent_that_still_seals_is_waited_for_as_long_as_it_says_so() -> None:
    story = recorded().stop(20)
    late = 20 + 2 * SEALING_TIMEOUT.total_seconds()
    story.report(hosted(recordings=RUNNING), seconds=late)
    assert story.told == [STARTED]
    story.report(hosted(recordings=STOPPED), seconds=late + 1)
    assert story.told == [STARTED, ENDED]


def test_what_several_agents_have_sealed_adds_up() -> None:
    story = recorded()
    story.report(sealing(EgressState.RUNNING, {"alice-1": 1}), agent="sfu-1")
    story.report(sealing(EgressState.RUNNING, {"alice-1": 2, "bob-1": 1}), agent="sfu-2")
    story.report(sealing(EgressState.RUNNING, {}), agent="sfu-1")
    (egress,) = story.record.egresses
    assert egress.sealed == {"alice-1": 2, "bob-1": 1}


def test_a_participant_is_told_to_join_once_and_to_leave_once() -> None:
    story = Story().report(hosted()).report(hosted(participants=(ALICE, BOB)), seconds=30)
    story.report(hosted(participants=(ALICE,)), seconds=70.5)
    for seconds in (71, 80, 90):
        story.report(hosted(participants=(ALICE,)), seconds=seconds)
    assert story.told_of_sessions == [SESSION_STARTED, JOINED, JOINED, LEFT]
    left = story.record.outbox[-1]
    assert left.type == "call.session_participant_left"
    assert (left.participant.user_session_id, left.duration_seconds) == ("bob-1", 40)
    assert left.at == at(70.5)


def test_a_participant_who_moves_between_agents_neither_leaves_nor_joins() -> None:
    story = Story().report(hosted(participants=(ALICE, BOB)))
    story.report(hosted(participants=(BOB,)), agent="sfu-2", seconds=40)
    story.report(hosted(participants=(ALICE,)), agent="sfu-1", seconds=41)
    story.report(hosted(participants=(BOB,)), agent="sfu-2", seconds=60)
    assert story.told_of_sessions == [SESSION_STARTED, JOINED, JOINED]
    assert len(story.session.present) == 2


def test_a_participant_whose_move_is_heard_of_in_the_wrong_order_has_not_left_either() -> None:
    story = Story().report(hosted(participants=(ALICE, BOB)))
    story.report(hosted(participants=(ALICE,)), agent="sfu-1", seconds=40)
    assert [stay.user_id for stay in story.session.present] == ["alice"]
    story.report(hosted(participants=(BOB,)), agent="sfu-2", seconds=40 + GRACE - 0.1)
    story.report(hosted(participants=(ALICE,)), agent="sfu-1", seconds=60)
    assert story.told_of_sessions == [SESSION_STARTED, JOINED, JOINED]
    assert len(story.session.present) == 2


def test_the_participants_of_an_agent_that_hosts_no_more_have_left_unless_another_has_them() -> (
    None
):
    story = Story().report(hosted(participants=(ALICE, BOB)))
    story.report(hosted(participants=(BOB,)), agent="sfu-2", seconds=50)
    story.report(hosted(ended_at=at(60)), agent="sfu-1", seconds=60)
    story.report(hosted(participants=(BOB,)), agent="sfu-2", seconds=60 + GRACE)
    assert story.told_of_sessions[3:] == [LEFT]
    assert [stay.user_id for stay in story.session.participants] == ["bob"]


def test_an_agent_that_says_again_that_it_hosts_no_more_brings_nobody_back() -> None:
    story = Story().report(hosted()).report(hosted(participants=(BOB,)), agent="sfu-2")
    for seconds in (60, 70, 80):
        story.report(hosted(ended_at=at(60)), agent="sfu-1", seconds=seconds)
    assert story.told_of_sessions == [SESSION_STARTED, JOINED, JOINED, LEFT]
    assert [stay.user_id for stay in story.session.participants] == ["bob"]


def test_who_comes_back_is_linked_to_their_earlier_stays() -> None:
    story = Story().report(hosted()).report(hosted(participants=()), seconds=20)
    story.report(hosted(participants=(ALICE_AGAIN,)), seconds=40)
    (back,) = story.session.participants
    assert (back.user_id, back.previous_user_session_ids) == ("alice", ("alice-1",))
    assert story.told_of_sessions == [SESSION_STARTED, JOINED, JOINED, LEFT]


def test_who_was_away_too_long_under_the_same_id_joins_again_in_an_event_of_its_own() -> None:
    story = Story().report(hosted()).report(hosted(participants=()), seconds=20)
    story.report(hosted(participants=()), seconds=20 + GRACE).report(hosted(), seconds=40)
    assert story.told_of_sessions == [SESSION_STARTED, JOINED, LEFT, JOINED]
    ids = [event_id(notice) for notice in story.record.outbox]
    assert len(set(ids)) == 4
    assert [stay.joined_at for stay in story.session.participants] == [at(40)]


def test_those_of_a_crowd_join_report_by_report() -> None:
    crowd = tuple(
        ParticipantSession(user_id=f"user-{n}", user_session_id=f"stay-{n}", joined_at=NOON)
        for n in range(JOINS_AT_ONCE + 1)
    )
    story = Story().report(hosted(participants=crowd))
    assert len(story.session.present) == JOINS_AT_ONCE
    story.report(hosted(participants=crowd))
    assert len(story.session.present) == JOINS_AT_ONCE + 1
    assert story.told_of_sessions == [SESSION_STARTED, *[JOINED] * (JOINS_AT_ONCE + 1)]


def test_two_devices_of_a_user_are_two_participants() -> None:
    story = Story().report(hosted(participants=(ALICE, ALICE_AGAIN)))
    assert [stay.user_session_id for stay in story.session.present] == ["alice-1", "alice-2"]


def test_everybody_has_left_when_the_session_ends() -> None:
    story = Story().report(hosted(participants=(ALICE, BOB)))
    story.report(hosted(ended_at=at(90), participants=()), seconds=91)
    assert story.told_of_sessions[3:] == [LEFT, LEFT, SESSION_ENDED]
    assert story.session.participants == ()
    assert [notice.at for notice in story.record.outbox[-3:]] == [at(90), at(90), at(90)]


def test_a_session_heard_of_only_when_it_was_over_is_told_from_start_to_end() -> None:
    story = Story().report(hosted(ended_at=at(60)), seconds=99)
    assert story.told_of_sessions == [SESSION_STARTED, JOINED, LEFT, SESSION_ENDED]
    assert story.record.active_session is None
    before = story.record
    assert story.report(hosted(ended_at=at(60)), seconds=120).record == before


def test_a_session_of_a_call_that_was_ended_does_not_begin_though_its_sfu_goes_on() -> None:
    story = Story().create().report(hosted()).end(50)
    before = story.record
    assert story.report(hosted(), seconds=51).record == before
    other = hosted(session="session-2", started_at=at(50))
    assert story.report(other, seconds=52).record == before


def test_those_who_come_back_to_an_ended_call_gather_anew() -> None:
    story = Story().create().report(hosted()).end(50)
    story.report(hosted(session="session-2", started_at=at(70)), seconds=71)
    assert story.session.call_session_id == "session-2"
    assert story.record.active_session is not None
    assert story.record.ended_at == at(50)


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
