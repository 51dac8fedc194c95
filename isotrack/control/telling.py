"""Events of notices: what happened to a call, with all that subscribers want to know of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from isotrack.calls import notices
from isotrack.calls.call_types import CallType
from isotrack.calls.capabilities import capabilities_by_role
from isotrack.calls.members import Member
from isotrack.calls.notices import Notice, event_id
from isotrack.calls.records import CallRecord
from isotrack.contract import events
from isotrack.contract.calls import CallResponse
from isotrack.contract.events import Event
from isotrack.contract.members import MemberResponse
from isotrack.contract.settings import CallSettingsResponse
from isotrack.control.views import People, call_view, member_view, participant_view, user_view
from isotrack.recording.events import recording_failed, recording_started, recording_stopped


class Telling(NamedTuple):
    """What is known of a call when its notices are told."""

    record: CallRecord
    call_type: CallType
    people: People
    default: CallSettingsResponse

    def call(self) -> CallResponse:
        """The call as it is now, which may be later than what the notice is about."""
        return call_view(self.record, self.call_type, self.people, self.default)

    def members(self, members: Iterable[Member]) -> tuple[MemberResponse, ...]:
        """Members as events show them."""
        return tuple(member_view(member, self.people) for member in members)

    def named(self, user_ids: Iterable[str]) -> tuple[MemberResponse, ...]:
        """Those of some users who are members still."""
        known = self.people.members
        return self.members(known[user_id] for user_id in user_ids if user_id in known)


def tell(notice: Notice, telling: Telling) -> Event:
    """The event of a notice. Raises Missing where it shows a call that nobody created."""
    match notice:
        case notices.RecordingStarted():
            return recording_started(notice.call.cid, notice.egress_id, notice.at)
        case notices.RecordingStopped():
            return recording_stopped(notice.call.cid, notice.egress_id, notice.at)
        case notices.RecordingFailed():
            return recording_failed(notice.failure, notice.at)
        case notices.SessionStarted() | notices.SessionEnded():
            return _of_session(notice, telling)
        case notices.ParticipantJoined() | notices.ParticipantLeft():
            return _of_participant(notice, telling)
        case notices.MembersAdded() | notices.MembersUpdated() | notices.MembersRemoved():
            return _of_members(notice, telling)
        case notices.CallCreated() | notices.CallUpdated() | notices.CallEnded():
            return _of_call(notice, telling)


def _of_call(
    notice: notices.CallCreated | notices.CallUpdated | notices.CallEnded, telling: Telling
) -> Event:
    match notice:
        case notices.CallCreated():
            return events.CallCreatedEvent(
                **_head(notice), call=telling.call(), members=telling.members(notice.members)
            )
        case notices.CallUpdated():
            call = telling.call()
            mode = call.settings.individual_recording.mode
            return events.CallUpdatedEvent(
                **_head(notice),
                call=call,
                capabilities_by_role=capabilities_by_role(telling.call_type.grants, mode),
            )
        case notices.CallEnded():
            ended_by = notice.user_id
            user = telling.people.user(ended_by, notice.at) if ended_by is not None else None
            return events.CallEndedEvent(
                **_head(notice),
                call=telling.call(),
                user=None if user is None else user_view(user),
                reason=notice.reason,
            )


def _of_members(
    notice: notices.MembersAdded | notices.MembersUpdated | notices.MembersRemoved,
    telling: Telling,
) -> Event:
    head, call = _head(notice), telling.call()
    match notice:
        case notices.MembersAdded():
            added = telling.named(notice.user_ids)
            return events.CallMemberAddedEvent(**head, call=call, members=added)
        case notices.MembersUpdated():
            updated = telling.named(notice.user_ids)
            return events.CallMemberUpdatedEvent(**head, call=call, members=updated)
        case notices.MembersRemoved():
            return events.CallMemberRemovedEvent(**head, call=call, members=notice.user_ids)


def _of_session(notice: notices.SessionStarted | notices.SessionEnded, telling: Telling) -> Event:
    event = (
        events.CallSessionStartedEvent
        if isinstance(notice, notices.SessionStarted)
        else events.CallSessionEndedEvent
    )
    return event(**_head(notice), session_id=notice.call_session_id, call=telling.call())


def _of_participant(
    notice: notices.ParticipantJoined | notices.ParticipantLeft, telling: Telling
) -> Event:
    participant = participant_view(notice.participant, telling.people)
    if isinstance(notice, notices.ParticipantJoined):
        return events.CallSessionParticipantJoinedEvent(
            **_head(notice), session_id=notice.call_session_id, participant=participant
        )
    return events.CallSessionParticipantLeftEvent(
        **_head(notice),
        session_id=notice.call_session_id,
        participant=participant,
        duration_seconds=notice.duration_seconds,
    )


def _head(notice: Notice) -> dict[str, Any]:
    return {"created_at": notice.at, "call_cid": notice.call.cid, "event_id": event_id(notice)}
