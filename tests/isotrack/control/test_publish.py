from __future__ import annotations

from typing import Any

import pytest

from isotrack.calls import notices
from isotrack.calls.notices import Notice
from isotrack.calls.records import CallRecord
from isotrack.calls.sessions import CallSession, Participant
from isotrack.contract.events import (
    CallEndedEvent,
    CallMemberAddedEvent,
    CallSessionEndedEvent,
    CallSessionParticipantJoinedEvent,
    CallSessionParticipantLeftEvent,
    CallSessionStartedEvent,
)
from isotrack.control.fitting import MAX_BYTES
from isotrack.control.publish import publish
from isotrack.recording.errors import Transient
from isotrack.recording.outcomes import FailureReason, RecordingFailure
from tests.builders import CALL, NOON, at
from tests.worlds import MemoryWorld

BOB = Participant(
    user_id="bob", user_session_id="bob-2", joined_at=at(5), previous_user_session_ids=("bob-1",)
)
FAILURE = RecordingFailure(
    call=CALL,
    egress_id="e-1",
    reason=FailureReason(code="NeverRecorded", message="too short", retryable=False),
)
OF_SESSION: dict[str, Any] = {"call": CALL, "at": at(9), "call_session_id": "s-1"}
OF_CHANGE: dict[str, Any] = {"call": CALL, "at": at(9), "version": 7}
NOTICES: dict[str, Notice] = {
    notice.type: notice
    for notice in (
        notices.CallCreated(**OF_CHANGE),
        notices.CallUpdated(**OF_CHANGE),
        notices.CallEnded(**OF_CHANGE, user_id="bob", reason="enough"),
        notices.MembersAdded(**OF_CHANGE, user_ids=("bob", "gone")),
        notices.MembersUpdated(**OF_CHANGE, user_ids=("bob",)),
        notices.MembersRemoved(**OF_CHANGE, user_ids=("gone",)),
        notices.SessionStarted(**OF_SESSION),
        notices.SessionEnded(**OF_SESSION),
        notices.ParticipantJoined(**OF_SESSION, participant=BOB),
        notices.ParticipantLeft(**OF_SESSION, participant=BOB, duration_seconds=4),
        notices.RecordingStarted(call=CALL, at=at(9), egress_id="e-1"),
        notices.RecordingStopped(call=CALL, at=at(9), egress_id="e-1"),
        notices.RecordingFailed(call=CALL, at=at(9), failure=FAILURE),
    )
}


@pytest.fixture
def memory() -> MemoryWorld:
    """With a call of alice's, of which bob, a host, is a member, and who is in it."""
    memory = MemoryWorld()
    memory.user("bob", name="Bob")
    memory.create(members=[{"user_id": "bob", "role": "host"}])
    session = CallSession(call_session_id="s-1", started_at=NOON, participants=(BOB,))
    memory.calls.save(memory.calls.records[CALL].model_copy(update={"session": session}))
    memory.bus.events.clear()
    return memory


def note(memory: MemoryWorld, *told: Notice) -> CallRecord:
    """Put notices into the outbox."""
    record = memory.calls.records.get(CALL) or CallRecord(call=CALL)
    return memory.calls.save(record.model_copy(update={"outbox": told}))


def test_nothing_is_asked_of_the_world_when_there_is_nothing_to_tell(
    memory: MemoryWorld,
) -> None:
    record = memory.calls.records[CALL]
    assert publish(record, world=memory.world) is record


@pytest.mark.parametrize("event_type", list(NOTICES))
def test_every_notice_becomes_its_event(memory: MemoryWorld, event_type: str) -> None:
    notice = NOTICES[event_type]
    after = publish(note(memory, notice), world=memory.world)
    (event,) = memory.bus.events
    assert event.type == event_type
    assert event.call_cid == CALL.cid
    assert event.created_at == at(9)
    assert event.event_id == notices.event_id(notice)
    assert after.outbox == ()
    assert memory.calls.records[CALL] == after


def test_notices_are_told_in_their_order(memory: MemoryWorld) -> None:
    publish(note(memory, *NOTICES.values()), world=memory.world)
    assert memory.bus.types == list(NOTICES)


def test_a_session_event_shows_the_call_with_its_session(memory: MemoryWorld) -> None:
    told = (NOTICES["call.session_started"], NOTICES["call.session_ended"])
    publish(note(memory, *told), world=memory.world)
    for event in memory.bus.events:
        assert isinstance(event, CallSessionStartedEvent | CallSessionEndedEvent)
        assert event.session_id == "s-1"
        assert event.call.session is not None
        assert [p.user.name for p in event.call.session.participants] == ["Bob"]


def test_a_participant_is_shown_with_their_role_and_their_earlier_stays(
    memory: MemoryWorld,
) -> None:
    told = [NOTICES[f"call.session_participant_{word}"] for word in ("joined", "left")]
    publish(note(memory, *told), world=memory.world)
    joined, left = memory.bus.events
    assert isinstance(joined, CallSessionParticipantJoinedEvent)
    assert joined.participant.role == "host"
    assert joined.participant.user_session_id == "bob-2"
    assert joined.participant.previous_user_session_ids == ("bob-1",)
    assert joined.session_id == "s-1"
    assert isinstance(left, CallSessionParticipantLeftEvent)
    assert left.duration_seconds == 4


def test_a_participant_nobody_made_is_shown_by_what_is_known(memory: MemoryWorld) -> None:
    stranger = BOB.model_copy(update={"user_id": "stranger"})
    notice = notices.ParticipantJoined(**OF_SESSION, participant=stranger)
    publish(note(memory, notice), world=memory.world)
    (event,) = memory.bus.events
    assert isinstance(event, CallSessionParticipantJoinedEvent)
    assert (event.participant.user.id, event.participant.role) == ("stranger", "user")
    assert event.participant.user.created_at == at(5)


def test_members_added_are_shown_as_they_are_now(memory: MemoryWorld) -> None:
    publish(note(memory, NOTICES["call.member_added"]), world=memory.world)
    (event,) = memory.bus.events
    assert isinstance(event, CallMemberAddedEvent)
    assert [(m.user_id, m.role) for m in event.members] == [("bob", "host")]


def test_who_ended_a_call_is_shown(memory: MemoryWorld) -> None:
    publish(note(memory, NOTICES["call.ended"]), world=memory.world)
    (event,) = memory.bus.events
    assert isinstance(event, CallEndedEvent)
    assert event.user is not None
    assert (event.user.name, event.reason) == ("Bob", "enough")


def test_of_a_call_nobody_created_only_its_recordings_are_told() -> None:
    memory = MemoryWorld()
    record = note(memory, NOTICES["call.session_started"], NOTICES["call.recording_started"])
    assert publish(record, world=memory.world).outbox == ()
    assert memory.bus.types == ["call.recording_started"]


def test_events_of_a_call_whose_type_was_removed_are_told_all_the_same(
    memory: MemoryWorld,
) -> None:
    gone = CALL.model_copy(update={"call_type": "gone"})
    record = memory.calls.records[CALL].model_copy(update={"call": gone, "version": 0})
    updated = notices.CallUpdated(call=gone, at=NOON, version=1)
    saved = memory.calls.save(record.model_copy(update={"outbox": (updated,)}))
    publish(saved, world=memory.world)
    assert memory.bus.types == ["call.updated"]


def test_notices_stay_when_the_bus_refuses_and_are_told_under_the_same_ids(
    memory: MemoryWorld,
) -> None:
    record = note(memory, *NOTICES.values())
    memory.bus.refusals = 1
    with pytest.raises(Transient):
        publish(record, world=memory.world)
    assert memory.calls.records[CALL].outbox == tuple(NOTICES.values())
    publish(record, world=memory.world)
    ids = [event.event_id for event in memory.bus.events]
    assert ids == [notices.event_id(notice) for notice in NOTICES.values()]


def test_what_is_noted_while_others_are_told_stays_to_be_told(memory: MemoryWorld) -> None:
    later = notices.CallUpdated(call=CALL, at=at(10), version=8)
    record = note(memory, NOTICES["call.updated"])
    note(memory, NOTICES["call.updated"], later)
    assert publish(record, world=memory.world).outbox == (later,)


def test_a_late_publisher_does_not_undo_what_was_changed_since(memory: MemoryWorld) -> None:
    bob = memory.members.members[CALL]["bob"].model_copy(update={"role": None})
    created = notices.CallCreated(**OF_CHANGE, members=(bob,))
    publish(note(memory, created), world=memory.world)
    assert memory.members.members[CALL]["bob"].role == "host"


def test_an_event_of_a_large_call_is_made_to_fit(memory: MemoryWorld) -> None:
    stays = []
    for number in range(300):
        memory.user(f"user-{number}", custom={"about": "x" * 1000})
        stay = {"user_id": f"user-{number}", "user_session_id": f"stay-{number}"}
        stays.append(Participant(**stay, joined_at=NOON))
    record = memory.calls.records[CALL]
    session = CallSession(call_session_id="s-1", started_at=NOON, participants=tuple(stays))
    memory.calls.save(record.model_copy(update={"session": session}))
    publish(note(memory, NOTICES["call.session_started"]), world=memory.world)
    (event,) = memory.bus.events
    assert isinstance(event, CallSessionStartedEvent)
    assert len(event.model_dump_json()) <= MAX_BYTES
    assert event.call.session is not None
    assert len(event.call.session.participants) == 37
    assert event.call.session.participants_count_by_role == {"user": 300}


def test_an_event_of_many_members_is_made_to_fit(memory: MemoryWorld) -> None:
    user_ids = [f"user-{number}" for number in range(100)]
    for user_id in user_ids:
        memory.user(user_id, custom={"about": "x" * 3000})
        memory.member(user_id)
    added = notices.MembersAdded(**OF_CHANGE, user_ids=tuple(user_ids))
    publish(note(memory, added), world=memory.world)
    (event,) = memory.bus.events
    assert isinstance(event, CallMemberAddedEvent)
    assert len(event.model_dump_json()) <= MAX_BYTES
    assert len(event.members) == 25
