"""All that the agent has to know again after it was killed; changed by journal entries only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pydantic import AwareDatetime, BaseModel

from capture_agent.announcements import TrackAnnouncement
from isotrack.recording.agents import DesiredEgress, EgressState
from isotrack.recording.manifest import Chunk, SealReason
from isotrack.recording.tracks import Call, Frozen, ParticipantSession, Track


class Ports(Frozen):
    """The media ports of a track; no RTCP port where RTCP is multiplexed with RTP."""

    rtp: int
    rtcp: int | None = None


class TrackState(BaseModel):
    """A track and where it arrives."""

    track: Track
    announcement: TrackAnnouncement
    ports: Ports


class SessionState(BaseModel):
    """A participant session and its tracks by id, withdrawn ones among them."""

    participant: ParticipantSession
    left_at: AwareDatetime | None = None
    tracks: dict[str, TrackState] = {}


class Egress(BaseModel):
    """A recording of a call. It stays known once stopped, so that it is never started twice."""

    desired: DesiredEgress
    state: EgressState = EgressState.RUNNING
    reported: bool = False
    """Whether the control plane was told that it stopped."""


class CallState(BaseModel):
    """A call, its participant sessions and its recordings by id."""

    call: Call
    call_session_id: str
    started_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    sessions: dict[str, SessionState] = {}
    egresses: dict[str, Egress] = {}
    reported: bool = False
    """Whether the control plane was told that it ended."""

    def running(self) -> Egress | None:
        """The recording that runs."""
        return next((e for e in self.egresses.values() if e.state is EgressState.RUNNING), None)


class Take(BaseModel):
    """A track as one recording has it: its number is what stands beside its packets in the log."""

    number: int
    track: Track
    first_segment: int
    """No packet of it is in an earlier segment of the log; its chunks are numbered from there."""
    chunks: list[Chunk] = []
    dropped_datagrams: int = 0
    kernel_drops: int = 0


class HeldTake(Frozen):
    """A track that is captured though no recording has it yet (`preroll`)."""

    call: Call
    call_session_id: str
    user_session_id: str
    track_id: str
    number: int
    first_segment: int
    """No packet of it is in an earlier segment of the log."""


class SessionRecording(BaseModel):
    """A participant session as one recording has it: what a manifest is made of."""

    call: Call
    call_session_id: str
    egress: DesiredEgress
    participant: ParticipantSession
    takes: dict[str, Take] = {}
    reason: SealReason | None = None
    """Set once nothing more is captured for it."""
    sealed_at: AwareDatetime | None = None

    def is_of(self, call_state: CallState) -> bool:
        """Whether it was made in this session of this call."""
        return (self.call, self.call_session_id) == (call_state.call, call_state.call_session_id)


class State(BaseModel):
    """Everything."""

    epoch_ns: int = 0
    speed: float = 1.0
    next_take: int = 1
    first_segment: int = 1
    """Segments of the log before it were written under another journal."""
    sealed_through: int = 0
    """All segments of the log up to this one are in the store."""
    calls: list[CallState] = []
    recordings: list[SessionRecording] = []
    held: list[HeldTake] = []

    def call_session(self, call: Call, call_session_id: str) -> CallState:
        """A session of a call that is known."""
        return next(
            c for c in self.calls if c.call == call and c.call_session_id == call_session_id
        )

    def live_call(self, call: Call) -> CallState | None:
        """The session of a call that is going on."""
        return next((c for c in self.calls if c.call == call and c.ended_at is None), None)

    def recording(
        self, egress_id: str, call: Call, user_session_id: str
    ) -> SessionRecording | None:
        """What a recording has of a participant session."""
        return next(
            (
                r
                for r in self.recordings
                if r.egress.egress_id == egress_id
                and r.call == call
                and r.participant.user_session_id == user_session_id
            ),
            None,
        )

    def held_take(
        self, call_state: CallState, user_session_id: str, track_id: str
    ) -> HeldTake | None:
        """What is held of a track."""
        name = (call_state.call, call_state.call_session_id, user_session_id, track_id)
        return next(
            (
                held
                for held in self.held
                if (held.call, held.call_session_id, held.user_session_id, held.track_id) == name
            ),
            None,
        )

    def recordings_of(self, call_state: CallState) -> Iterator[SessionRecording]:
        """All that was recorded of a call session."""
        return (r for r in self.recordings if r.is_of(call_state))

    def takes(self) -> dict[int, tuple[SessionRecording, Take]]:
        """Every take by its number."""
        return {
            take.number: (recording, take)
            for recording in self.recordings
            for take in recording.takes.values()
        }


def withdraw(track: TrackState, at: datetime) -> None:
    """Note that a track is published no more."""
    if track.track.withdrawn_at is None:
        track.track = track.track.model_copy(update={"withdrawn_at": at})
