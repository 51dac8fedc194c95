"""Egresses: recordings of a call, each from its start to its stop."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, Field

from isotrack.calls.notices import Notice, RecordingFailed, RecordingStarted, RecordingStopped
from isotrack.recording.outcomes import FailureReason, RecordingFailure
from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import Call, Frozen, Id

SEALING_TIMEOUT = timedelta(minutes=10)
"""An agent that was not heard of for so long after a stop is not waited for."""


class EgressStatus(StrEnum):
    """How far a recording is."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"


class Egress(Frozen):
    """One recording of a call, from its start to its stop."""

    egress_id: Id
    call_session_id: Id
    started_at: AwareDatetime
    """When it was asked for: zero of the timeline of all its files."""
    output_types: tuple[OutputType, ...]
    storage: str = "isotrack"
    status: EgressStatus = EgressStatus.STARTING
    observed_at: AwareDatetime | None = None
    """When an agent was first heard to record it; None when none ever was."""
    ended_at: AwareDatetime | None = None
    """When it was stopped, or its call ended; files may be made for some time after it."""
    agents: tuple[Id, ...] = ()
    """Those recording it as of their last reports, or sealing what they recorded, in order."""
    sealed: dict[str, int] = Field(default_factory=dict)
    """Participant sessions (`user_session_id`) whose manifests are written, to their revisions."""

    @property
    def active(self) -> bool:
        """Whether agents shall record."""
        return self.status in (EgressStatus.STARTING, EgressStatus.RUNNING)

    def stopping(self, at: datetime) -> Egress:
        """The recording told to stop, unless it was."""
        if not self.active:
            return self
        return self.model_copy(update={"status": EgressStatus.STOPPING, "ended_at": at})

    def session_over(self, at: datetime) -> Egress:
        """The recording after its call session ended: over, or as soon as its agents are done."""
        if self.status is EgressStatus.STOPPED or (
            self.status is EgressStatus.STOPPING and self.agents
        ):
            return self
        status = EgressStatus.STOPPING if self.agents else EgressStatus.STOPPED
        return self.model_copy(update={"status": status, "ended_at": self.ended_at or at})

    def awaiting(self, agents: tuple[str, ...], at: datetime) -> Egress:
        """The recording without the agents that had time enough to stop, but for some."""
        if self.status is not EgressStatus.STOPPING or self.ended_at is None:
            return self
        if at - self.ended_at < SEALING_TIMEOUT:
            return self
        left = tuple(agent for agent in self.agents if agent in agents)
        status = self.status if left else EgressStatus.STOPPED
        return self.model_copy(update={"agents": left, "status": status})


def told(call: Call, before: Egress, after: Egress, at: datetime) -> Iterator[Notice]:
    """What there is to tell of a recording of a call that became another."""
    if before.observed_at is None and after.observed_at is not None:
        yield RecordingStarted(call=call, at=at, egress_id=after.egress_id)
    if before.status is EgressStatus.STOPPED or after.status is not EgressStatus.STOPPED:
        return
    if after.observed_at is None and before.active:
        yield RecordingFailed(call=call, at=at, failure=_never_recorded(call, after))
    else:
        yield RecordingStopped(call=call, at=at, egress_id=after.egress_id)


def _never_recorded(call: Call, egress: Egress) -> RecordingFailure:
    return RecordingFailure(
        call=call,
        egress_id=egress.egress_id,
        reason=FailureReason(
            code="NeverRecorded",
            message="the call ended before any agent had begun to record it",
            retryable=False,
        ),
    )
