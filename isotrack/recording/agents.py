"""What an agent and the control plane say to each other: a report, and the desired state.

The agent posts a `Report` of the calls it hosts to `POST /agents/{agent_id}/report`, every few
seconds and at once when something changed or its queue was poked. The answer is `DesiredState`:
recordings listed there run, and recordings of the calls reported that are not listed there stop.
Any of the two may be lost, repeated or late; an agent that hears nothing keeps recording.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field

from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import Call, Frozen, Id, ParticipantSession


class EgressState(StrEnum):
    """What an agent does about a recording."""

    RUNNING = "running"
    STOPPED = "stopped"


class ObservedEgress(Frozen):
    """A recording as the agent sees it; a stopped one is reported until a report got through."""

    egress_id: Id
    state: EgressState
    """Stopped only when nothing is captured any more and every manifest is written."""
    sealed: dict[Id, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    """Participant sessions (`user_session_id`) whose manifests are written, to their revisions.

    All since the recording began, in every report: what was said before is still true.
    """


class HostedCall(Frozen):
    """A call whose SFU an agent sits beside."""

    call: Call
    call_session_id: Id
    started_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    """Set once the call is over; such a call is reported until a report got through."""
    participants: tuple[ParticipantSession, ...] = ()
    recordings: tuple[ObservedEgress, ...] = ()


class Report(Frozen):
    """All that an agent hosts now."""

    calls: tuple[HostedCall, ...]


class DesiredEgress(Frozen):
    """A recording that shall run."""

    call: Call
    call_session_id: Id
    egress_id: Id
    started_at: AwareDatetime
    """Zero of the timeline of all files of this recording (`Manifest.recording_started_at`)."""
    output_types: tuple[OutputType, ...]
    storage: str = "isotrack"


class DesiredState(Frozen):
    """What an agent shall do about the calls it reported."""

    recordings: tuple[DesiredEgress, ...]
    poke_queue_url: str | None = None
    """SQS queue of this agent: any message in it means that it should report again at once."""
