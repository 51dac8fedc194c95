"""What the control interface answers."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, ConfigDict

from isotrack.recording.agents import EgressState
from isotrack.recording.tracks import Call, ParticipantSession, Track


class View(BaseModel):
    """A body whose fields are described in the contract."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Fault(View):
    """What is wrong with a request."""

    message: str
    field: str | None = None
    """Of the body or the path, with dots between its parts."""


class ErrorView(View):
    """The body of every answer that is not 2xx."""

    error: Fault


class Health(View):
    """The agent answers, and its capture process receives."""

    status: str = "ok"
    agent_id: str
    capturing: bool


class Endpoint(View):
    """Where the SFU sends packets to."""

    host: str
    port: int


class MediaPortsView(View):
    """Where the SFU sends a track to; the same port twice where RTCP is multiplexed."""

    rtp: Endpoint
    rtcp: Endpoint


class CallView(View):
    """A call as announced."""

    call: Call
    call_session_id: str
    started_at: AwareDatetime
    ended_at: AwareDatetime | None


class RecordingView(View):
    """A recording of a call."""

    egress_id: str
    state: EgressState
    started_at: AwareDatetime
    output_types: tuple[str, ...]


class TrackCounters(View):
    """What arrived at the ports of a track."""

    packets: int
    """RTP, RTCP and anything else, recorded or not, since the ports were opened."""
    bytes: int
    drained: int
    """Packets let go since nothing was recorded."""
    dropped: int
    """Datagrams that were neither RTP nor RTCP of the track, in what was sealed so far."""
    lost: int
    """Packets that the spool's disk had no room for."""
    kernel_drops: int
    """Packets that the socket's buffer had no room for."""


class TrackView(MediaPortsView):
    """A track that is published."""

    track: Track
    recorded: bool
    counters: TrackCounters


class SessionView(View):
    """A participant session that is going on."""

    participant: ParticipantSession
    tracks: list[TrackView]


class CallStateView(CallView):
    """A call, and all that is in it."""

    sessions: list[SessionView]
    recordings: list[RecordingView]


class SpoolView(View):
    """What is on the disk and not in the store."""

    bytes: int
    seconds: float
    """Age of the oldest of it."""
    pending_uploads: int
    unsealed_sessions: int
    """Participant sessions that have no manifest yet."""


class StateView(View):
    """All that the agent knows and does."""

    agent_id: str
    now: AwareDatetime
    standalone: bool
    capturing: bool
    capture_restarts: int
    last_report_at: AwareDatetime | None
    spool: SpoolView
    calls: list[CallStateView]
