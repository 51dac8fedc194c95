"""All events: of calls, their members and sessions, and of recordings.

Clients of the compatible API know every field of the events of this module but `event_id`, which an
event that is sent twice keeps.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from isotrack.contract.calls import CallResponse
from isotrack.contract.fields import Maybe
from isotrack.contract.members import MemberResponse
from isotrack.contract.sessions import CallParticipantResponse
from isotrack.contract.times import NANOSECONDS
from isotrack.contract.users import UserResponse
from isotrack.recording.errors import CorruptInput
from isotrack.recording.events import (
    CallEvent,
    CallRecordingCompleted,
    CallRecordingFailed,
    CallRecordingReady,
    CallRecordingStarted,
    CallRecordingStopped,
)
from isotrack.recording.validation import first_problem


class CallCreatedEvent(CallEvent):
    """A call was made, with these members."""

    type: Literal["call.created"] = "call.created"
    call: CallResponse
    members: tuple[MemberResponse, ...]


class CallUpdatedEvent(CallEvent):
    """What is set for a call has changed."""

    type: Literal["call.updated"] = "call.updated"
    call: CallResponse
    capabilities_by_role: dict[str, tuple[str, ...]]
    """What each role may do in the call."""


class CallEndedEvent(CallEvent):
    """A call was ended for everybody."""

    type: Literal["call.ended"] = "call.ended"
    call: CallResponse
    user: Maybe[UserResponse] = None
    """Who ended it; left out for a server."""
    reason: Maybe[str] = None


class _SessionEvent(CallEvent):
    session_id: str
    """Of the call, not of a participant."""


class CallSessionStartedEvent(_SessionEvent):
    """People gather in a call."""

    type: Literal["call.session_started"] = "call.session_started"
    call: CallResponse


class CallSessionEndedEvent(_SessionEvent):
    """The last one has left the call."""

    type: Literal["call.session_ended"] = "call.session_ended"
    call: CallResponse


class CallSessionParticipantJoinedEvent(_SessionEvent):
    """Somebody is in the call."""

    type: Literal["call.session_participant_joined"] = "call.session_participant_joined"
    participant: CallParticipantResponse


class CallSessionParticipantLeftEvent(_SessionEvent):
    """Somebody is in the call no more."""

    type: Literal["call.session_participant_left"] = "call.session_participant_left"
    participant: CallParticipantResponse
    duration_seconds: Annotated[int, Field(ge=0)]
    """How long they were."""
    reason: Maybe[str] = None


class CallMemberAddedEvent(CallEvent):
    """Users have become members of a call."""

    type: Literal["call.member_added"] = "call.member_added"
    call: CallResponse
    members: tuple[MemberResponse, ...]
    """Those who have."""


class CallMemberUpdatedEvent(CallEvent):
    """Members of a call have another role, or other data of their own."""

    type: Literal["call.member_updated"] = "call.member_updated"
    call: CallResponse
    members: tuple[MemberResponse, ...]
    """Those who have."""


class CallMemberRemovedEvent(CallEvent):
    """Users are members of a call no more."""

    type: Literal["call.member_removed"] = "call.member_removed"
    call: CallResponse
    members: tuple[str, ...]
    """Their user ids."""


Event = Annotated[
    CallCreatedEvent
    | CallUpdatedEvent
    | CallEndedEvent
    | CallSessionStartedEvent
    | CallSessionEndedEvent
    | CallSessionParticipantJoinedEvent
    | CallSessionParticipantLeftEvent
    | CallMemberAddedEvent
    | CallMemberUpdatedEvent
    | CallMemberRemovedEvent
    | CallRecordingStarted
    | CallRecordingStopped
    | CallRecordingReady
    | CallRecordingFailed
    | CallRecordingCompleted,
    Field(discriminator="type"),
]
"""Any event, told by its type."""

_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


def in_nanoseconds(event: str) -> str:
    """The JSON of an event with its moments as integers, as on the bus they are RFC 3339.

    The webhook and SQS helpers of the published Python library (7.0.0) read no others.

    Raises:
        CorruptInput: it is no event of ours.
    """
    try:
        parsed = _EVENT.validate_json(event)
    except ValidationError as error:
        raise CorruptInput(f"event: {first_problem(error)}") from error
    return _EVENT.dump_json(parsed, context=dict(NANOSECONDS)).decode()
