"""Notices: what has happened to a call and was not told yet, in as few words as can be.

A notice is kept in the record's outbox by the same write as the change itself. Its event is made
of it afterwards (`control.publish`), under an id that follows from the notice alone: one that is
told twice, since a crash came between telling and forgetting, is one event.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from isotrack.calls.members import Member
from isotrack.calls.sessions import Participant
from isotrack.recording import events
from isotrack.recording.outcomes import RecordingFailure
from isotrack.recording.timestamps import rfc3339
from isotrack.recording.tracks import Call, Frozen, Id, UserId

Subject = tuple[str | int | None, ...]
"""What tells one event of a type from all others of that type."""


class _OfCall(Frozen):
    call: Call
    at: AwareDatetime
    """When it happened, as far as the control plane knows."""


class _OfChange(_OfCall):
    version: int
    """Of the record, as the change was written."""

    @property
    def subject(self) -> Subject:
        """The call and which of its changes it was."""
        return (self.call.cid, self.version)


class CallCreated(_OfChange):
    """Somebody created the call, or took over one that only agents had seen."""

    type: Literal["call.created"] = "call.created"
    members: tuple[Member, ...] = ()
    """Those it shall have from the start: kept here until they are written to where members are."""


class CallUpdated(_OfChange):
    """What is set for the call has changed."""

    type: Literal["call.updated"] = "call.updated"


class CallEnded(_OfChange):
    """The call was ended for everybody."""

    type: Literal["call.ended"] = "call.ended"
    user_id: UserId | None = None
    """Who ended it; None for a server."""
    reason: str | None = None


class MembersAdded(_OfChange):
    """These users have become members."""

    type: Literal["call.member_added"] = "call.member_added"
    user_ids: tuple[UserId, ...]


class MembersUpdated(_OfChange):
    """These members have another role, or other data of their own."""

    type: Literal["call.member_updated"] = "call.member_updated"
    user_ids: tuple[UserId, ...]


class MembersRemoved(_OfChange):
    """These users are members no more."""

    type: Literal["call.member_removed"] = "call.member_removed"
    user_ids: tuple[UserId, ...]


class _OfSession(_OfCall):
    call_session_id: Id

    @property
    def subject(self) -> Subject:
        """The session."""
        return (self.call.cid, self.call_session_id)


class SessionStarted(_OfSession):
    """People gather in the call."""

    type: Literal["call.session_started"] = "call.session_started"


class SessionEnded(_OfSession):
    """The gathering is over."""

    type: Literal["call.session_ended"] = "call.session_ended"


class _OfParticipant(_OfSession):
    participant: Participant

    @property
    def subject(self) -> Subject:
        """The stay: one who was away for a while under the same id has joined twice."""
        stay = self.participant
        joined_at = rfc3339(stay.joined_at)
        return (self.call.cid, self.call_session_id, stay.user_session_id, joined_at)


class ParticipantJoined(_OfParticipant):
    """Somebody is in the call."""

    type: Literal["call.session_participant_joined"] = "call.session_participant_joined"


class ParticipantLeft(_OfParticipant):
    """Somebody is in the call no more."""

    type: Literal["call.session_participant_left"] = "call.session_participant_left"
    duration_seconds: int = Field(ge=0)


class _OfRecording(_OfCall):
    egress_id: Id

    @property
    def subject(self) -> Subject:
        """The recording."""
        return (self.egress_id,)


class RecordingStarted(_OfRecording):
    """An agent records the call."""

    type: Literal["call.recording_started"] = "call.recording_started"


class RecordingStopped(_OfRecording):
    """No agent records the call any more; files may still be made."""

    type: Literal["call.recording_stopped"] = "call.recording_stopped"


class RecordingFailed(_OfCall):
    """Files that were asked for will not come."""

    type: Literal["call.recording_failed"] = "call.recording_failed"
    failure: RecordingFailure

    @property
    def subject(self) -> Subject:
        """The recording, and whose files."""
        reason = self.failure.reason
        revision = self.failure.revision
        return (self.failure.egress_id, reason.user_session_id, reason.source, revision)


Notice = Annotated[
    CallCreated
    | CallUpdated
    | CallEnded
    | MembersAdded
    | MembersUpdated
    | MembersRemoved
    | SessionStarted
    | SessionEnded
    | ParticipantJoined
    | ParticipantLeft
    | RecordingStarted
    | RecordingStopped
    | RecordingFailed,
    Field(discriminator="type"),
]
"""`type` is that of the event to be told."""


def event_id(notice: Notice) -> str:
    """The id of a notice's event: the same whenever it is told."""
    return events.event_id(notice.type, *notice.subject)
