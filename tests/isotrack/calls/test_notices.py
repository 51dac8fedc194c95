from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import TypeAdapter

from isotrack.calls.notices import (
    CallCreated,
    CallEnded,
    CallUpdated,
    MembersAdded,
    MembersRemoved,
    MembersUpdated,
    Notice,
    ParticipantJoined,
    ParticipantLeft,
    RecordingFailed,
    RecordingStarted,
    RecordingStopped,
    SessionEnded,
    SessionStarted,
    event_id,
)
from isotrack.calls.sessions import Participant
from isotrack.recording import events
from isotrack.recording.outcomes import FailureReason, RecordingFailure
from isotrack.recording.tracks import Call
from tests.builders import CALL, EGRESS, NOON, at

BOB = Participant(user_id="bob", user_session_id="bob-1", joined_at=NOON)
FAILURE = RecordingFailure(
    call=CALL, egress_id=EGRESS, reason=FailureReason(code="X", message="y", retryable=False)
)
NOTICES: list[Notice] = [
    CallCreated(call=CALL, at=NOON, version=1),
    CallUpdated(call=CALL, at=NOON, version=2),
    CallUpdated(call=CALL, at=NOON, version=3),
    CallEnded(call=CALL, at=NOON, version=3, user_id="bob", reason="late"),
    MembersAdded(call=CALL, at=NOON, version=3, user_ids=("bob", "carol")),
    MembersUpdated(call=CALL, at=NOON, version=3, user_ids=("bob",)),
    MembersRemoved(call=CALL, at=NOON, version=3, user_ids=("bob",)),
    SessionStarted(call=CALL, at=NOON, call_session_id="s1"),
    SessionStarted(call=CALL, at=NOON, call_session_id="s2"),
    SessionEnded(call=CALL, at=NOON, call_session_id="s1"),
    ParticipantJoined(call=CALL, at=NOON, call_session_id="s1", participant=BOB),
    ParticipantJoined(
        call=CALL,
        at=NOON,
        call_session_id="s1",
        participant=BOB.model_copy(update={"joined_at": at(60)}),
    ),
    ParticipantLeft(call=CALL, at=NOON, call_session_id="s1", participant=BOB, duration_seconds=3),
    RecordingStarted(call=CALL, at=NOON, egress_id=EGRESS),
    RecordingStopped(call=CALL, at=NOON, egress_id=EGRESS),
    RecordingFailed(call=CALL, at=NOON, failure=FAILURE),
]


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: str(notice.type))
def test_a_notice_comes_back_from_the_outbox_as_it_went_in(notice: Notice) -> None:
    adapter: TypeAdapter[Notice] = TypeAdapter(Notice)
    assert adapter.validate_json(adapter.dump_json(notice)) == notice


def test_the_events_of_different_notices_have_different_ids() -> None:
    elsewhere = Call(call_type="default", call_id="retro")
    others = [n.model_copy(update={"call": elsewhere}) for n in NOTICES if n.type[5:8] != "rec"]
    ids = [event_id(notice) for notice in (*NOTICES, *others)]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: str(notice.type))
def test_when_it_is_told_does_not_change_the_id_of_an_event(notice: Notice) -> None:
    later = notice.model_copy(update={"at": NOON + timedelta(hours=1)})
    assert event_id(later) == event_id(notice)


def test_recordings_are_told_under_the_ids_of_their_events() -> None:
    by_type = {notice.type: event_id(notice) for notice in NOTICES}
    started = events.recording_started(CALL.cid, EGRESS, NOON)
    stopped = events.recording_stopped(CALL.cid, EGRESS, NOON)
    failed = events.recording_failed(FAILURE, NOON)
    assert by_type["call.recording_started"] == started.event_id
    assert by_type["call.recording_stopped"] == stopped.event_id
    assert by_type["call.recording_failed"] == failed.event_id
