"""Users, members and calls as the contract shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from isotrack.calls.call_types import CallType
from isotrack.calls.members import Member
from isotrack.calls.records import CallRecord
from isotrack.calls.sessions import CallSession, Participant
from isotrack.calls.settings import resolve_settings
from isotrack.calls.users import User
from isotrack.contract.call_types import CallTypeResponse
from isotrack.contract.calls import CallResponse, Egress, EgressResponse
from isotrack.contract.members import MemberResponse
from isotrack.contract.sessions import CallParticipantResponse, CallSessionResponse
from isotrack.contract.settings import CallSettingsResponse
from isotrack.contract.users import FullUserResponse, UserResponse
from isotrack.recording.errors import Missing


class People(NamedTuple):
    """Those whom the view of a call names, as far as they are known."""

    users: Mapping[str, User]
    members: Mapping[str, Member]

    def user(self, user_id: str, since: datetime) -> User:
        """A user; one who was never heard of but from agents is made up, as seen since then."""
        unknown = User(user_id=user_id, created_at=since, updated_at=since)
        return self.users.get(user_id, unknown)

    def role(self, user: User) -> str:
        """The role of a user in the call: the member's, or else their own."""
        member = self.members.get(user.user_id)
        return user.role if member is None else member.call_role


def user_view(user: User) -> UserResponse:
    """A user as everybody in a call sees them."""
    return UserResponse(
        id=user.user_id,
        role=user.role,
        language=user.language,
        teams=user.teams,
        teams_role=user.teams_role,
        custom=user.custom,
        created_at=user.created_at,
        updated_at=user.updated_at,
        invisible=user.invisible,
        name=user.name,
        image=user.image,
    )


def full_user_view(user: User) -> FullUserResponse:
    """A user as servers see them."""
    seen = dict(user_view(user))
    seen["revoke_tokens_issued_before"] = user.revoke_tokens_issued_before
    return FullUserResponse(**seen)


def member_view(member: Member, people: People) -> MemberResponse:
    """A member of a call."""
    return MemberResponse(
        user_id=member.user_id,
        user=user_view(people.user(member.user_id, member.created_at)),
        role=member.role,
        custom=member.custom,
        created_at=member.created_at,
        updated_at=member.updated_at,
    )


def participant_view(participant: Participant, people: People) -> CallParticipantResponse:
    """One stay of a user in a call."""
    user = people.user(participant.user_id, participant.joined_at)
    return CallParticipantResponse(
        user_session_id=participant.user_session_id,
        user=user_view(user),
        role=people.role(user),
        joined_at=participant.joined_at,
        left_at=participant.left_at,
        previous_user_session_ids=participant.previous_user_session_ids,
    )


def session_view(session: CallSession, people: People) -> CallSessionResponse:
    """A session, with those who are there."""
    participants = tuple(
        participant_view(participant, people)
        for participant in session.participants
        if participant.left_at is None
    )
    return CallSessionResponse(
        id=session.call_session_id,
        participants=participants,
        participants_count_by_role=Counter(participant.role for participant in participants),
        started_at=session.started_at,
        ended_at=session.ended_at,
    )


def call_view(
    record: CallRecord, call_type: CallType, people: People, default: CallSettingsResponse
) -> CallResponse:
    """A call. Raises Missing when nobody created it: then it has nothing to show."""
    created_by_id, created_at, session = record.created_by_id, record.created_at, record.session
    if created_by_id is None or created_at is None:
        raise Missing(f"nobody created call {record.call.cid}")
    active = record.active_session
    return CallResponse(
        type=record.call.call_type,
        id=record.call.call_id,
        cid=record.call.cid,
        current_session_id="" if active is None else active.call_session_id,
        created_by=user_view(people.user(created_by_id, created_at)),
        created_at=created_at,
        updated_at=record.updated_at or created_at,
        custom=record.custom,
        settings=resolve_settings(record.settings_override, call_type.settings, default),
        egress=_egress_view(record),
        session=None if session is None else session_view(session, people),
        starts_at=record.starts_at,
        ended_at=record.ended_at,
        team=record.team,
    )


def call_type_view(call_type: CallType, default: CallSettingsResponse) -> CallTypeResponse:
    """A call type, its settings complete."""
    return CallTypeResponse(
        name=call_type.name,
        settings=resolve_settings(None, call_type.settings, default),
        grants=call_type.grants,
        external_storage=call_type.external_storage,
        created_at=call_type.created_at,
        updated_at=call_type.updated_at,
    )


def _egress_view(record: CallRecord) -> EgressResponse:
    # Two can be there at once: one that stops yet, and one that was started after it.
    newest = record.active_egress or next(reversed(record.egresses), None)
    if newest is None:
        return EgressResponse()
    return EgressResponse(individual_recording=Egress(status=newest.status.value))
