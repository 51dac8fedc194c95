"""A call as the control plane knows it: its session, who hosts it, and its recordings.

A `CallRecord` is a value: each method gives the record after something happened, or refuses. That
two things happening at once do not both win is the table's part (`pipeline.ports.CallTable`).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime, Field

from isotrack.recording.agents import DesiredEgress
from isotrack.recording.errors import Conflict, Invalid
from isotrack.recording.events import Event
from isotrack.recording.outputs import OutputType
from isotrack.recording.settings import CallSettings
from isotrack.recording.tracks import Call, Frozen, Id, ParticipantSession

NO_SESSION = "there is no active session"
ALREADY_RUNNING = "call egress is already running"
NOT_RUNNING = "call egress is not running"


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
    """Those recording it as of their last reports, in order."""

    @property
    def active(self) -> bool:
        """Whether agents shall record."""
        return self.status in (EgressStatus.STARTING, EgressStatus.RUNNING)


class Host(Frozen):
    """An agent beside an SFU of the call, and who is in the call through that SFU."""

    poke_queue_url: str | None = None
    participants: tuple[ParticipantSession, ...] = ()


class CallSession(Frozen):
    """One gathering: from the first participant in to the last one out."""

    call_session_id: Id
    started_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    hosts: dict[str, Host] = Field(default_factory=dict)
    """By agent id."""
    recorded: bool = False
    """Something was started in this session, so mode `auto-on` starts nothing again."""


class CallRecord(Frozen):
    """All that is kept of a call under one version."""

    call: Call
    version: int = 0
    """Counts the writes; 0 was never written."""
    settings_override: CallSettings | None = None
    session: CallSession | None = None
    """The last one known, also when it is over."""
    egresses: tuple[Egress, ...] = ()
    """Those not yet stopped."""
    outbox: tuple[Event, ...] = ()
    """Events of changes already kept that may not have been published yet."""

    @property
    def active_session(self) -> CallSession | None:
        """The session going on now."""
        session = self.session
        return session if session is not None and session.ended_at is None else None

    @property
    def active_egress(self) -> Egress | None:
        """The recording that agents shall run now."""
        return next((egress for egress in self.egresses if egress.active), None)

    @property
    def poke_queue_urls(self) -> tuple[str, ...]:
        """Where the agents that host the call are told to ask again."""
        hosts = self.session.hosts.values() if self.session is not None else ()
        return tuple(host.poke_queue_url for host in hosts if host.poke_queue_url is not None)

    def start(
        self, egress_id: str, at: datetime, output_types: tuple[OutputType, ...], storage: str
    ) -> CallRecord:
        """The record with a recording started. Raises Invalid without session, or Conflict."""
        session = self.active_session
        if session is None:
            raise Invalid(NO_SESSION)
        if self.active_egress is not None:
            raise Conflict(ALREADY_RUNNING)
        egress = Egress(
            egress_id=egress_id,
            call_session_id=session.call_session_id,
            started_at=at,
            output_types=output_types,
            storage=storage,
        )
        return self.model_copy(
            update={
                "egresses": (*self.egresses, egress),
                "session": session.model_copy(update={"recorded": True}),
            }
        )

    def stop(self, at: datetime) -> CallRecord:
        """The record with its recording told to stop. Raises Conflict when none is running."""
        active = self.active_egress
        if active is None:
            raise Conflict(NOT_RUNNING)
        stopping = active.model_copy(update={"status": EgressStatus.STOPPING, "ended_at": at})
        egresses = tuple(stopping if egress is active else egress for egress in self.egresses)
        return self.model_copy(update={"egresses": egresses})

    def desired(self, call_session_id: str) -> DesiredEgress | None:
        """What agents that host this session shall record."""
        session, egress = self.active_session, self.active_egress
        if session is None or egress is None or session.call_session_id != call_session_id:
            return None
        return DesiredEgress(
            call=self.call,
            call_session_id=call_session_id,
            egress_id=egress.egress_id,
            started_at=egress.started_at,
            output_types=egress.output_types,
            storage=egress.storage,
        )
