"""The entries of the journal: every change of the agent's state, and what it changes."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import AwareDatetime, Field, TypeAdapter

from capture_agent.announcements import TrackAnnouncement
from capture_agent.state import (
    CallState,
    Egress,
    HeldTake,
    Ports,
    SessionRecording,
    SessionState,
    State,
    Take,
    TrackState,
    withdraw,
)
from isotrack.recording.agents import DesiredEgress, EgressState
from isotrack.recording.manifest import Chunk, SealReason
from isotrack.recording.tracks import Call, Frozen, ParticipantSession, Track


class ClockFixed(Frozen):
    """The first entry of all: the clock that all times are of."""

    entry: Literal["clock_fixed"] = "clock_fixed"
    epoch_ns: int
    speed: float
    first_segment: int = 1
    """The first segment of the log that this journal can know of."""

    def apply(self, state: State) -> None:
        """Change the state."""
        state.epoch_ns, state.speed = self.epoch_ns, self.speed
        state.first_segment = self.first_segment


class _OfCall(Frozen):
    call: Call
    call_session_id: str

    def _call(self, state: State) -> CallState:
        return state.call_session(self.call, self.call_session_id)


class CallAnnounced(_OfCall):
    """A call began."""

    entry: Literal["call_announced"] = "call_announced"
    started_at: AwareDatetime

    def apply(self, state: State) -> None:
        """Change the state."""
        state.calls.append(
            CallState(
                call=self.call, call_session_id=self.call_session_id, started_at=self.started_at
            )
        )


class CallEnded(_OfCall):
    """A call is over, and so is everything in it."""

    entry: Literal["call_ended"] = "call_ended"
    at: AwareDatetime

    def apply(self, state: State) -> None:
        """Change the state."""
        call = self._call(state)
        call.ended_at = self.at
        _drop_held(state, call)
        for egress in call.egresses.values():
            egress.state = EgressState.STOPPED
        for session in call.sessions.values():
            session.left_at = session.left_at or self.at
            for track in session.tracks.values():
                withdraw(track, self.at)
        for recording in state.recordings_of(call):
            _finish(recording, SealReason.CALL_ENDED, self.at)


class SessionAnnounced(_OfCall):
    """A participant joined."""

    entry: Literal["session_announced"] = "session_announced"
    participant: ParticipantSession

    def apply(self, state: State) -> None:
        """Change the state."""
        session = SessionState(participant=self.participant)
        self._call(state).sessions[self.participant.user_session_id] = session


class SessionWithdrawn(_OfCall):
    """A participant left, and all their tracks with them."""

    entry: Literal["session_withdrawn"] = "session_withdrawn"
    user_session_id: str
    at: AwareDatetime

    def apply(self, state: State) -> None:
        """Change the state."""
        call = self._call(state)
        session = call.sessions[self.user_session_id]
        session.left_at = self.at
        _drop_held(state, call, self.user_session_id)
        for track in session.tracks.values():
            withdraw(track, self.at)
        for recording in state.recordings_of(call):
            if recording.participant.user_session_id == self.user_session_id:
                _finish(recording, SealReason.PARTICIPANT_LEFT, self.at)


class TrackAnnounced(_OfCall):
    """A track is published, or published again, and has its ports."""

    entry: Literal["track_announced"] = "track_announced"
    user_session_id: str
    track: Track
    announcement: TrackAnnouncement
    ports: Ports

    def apply(self, state: State) -> None:
        """Change the state."""
        session = self._call(state).sessions[self.user_session_id]
        session.tracks[self.track.track_id] = TrackState(
            track=self.track, announcement=self.announcement, ports=self.ports
        )


class TrackWithdrawn(_OfCall):
    """A track is published no more."""

    entry: Literal["track_withdrawn"] = "track_withdrawn"
    user_session_id: str
    track_id: str
    at: AwareDatetime

    def apply(self, state: State) -> None:
        """Change the state."""
        call = self._call(state)
        withdraw(call.sessions[self.user_session_id].tracks[self.track_id], self.at)
        _drop_held(state, call, self.user_session_id, self.track_id)
        for recording in state.recordings_of(call):
            if recording.participant.user_session_id == self.user_session_id:
                _withdraw_take(recording, self.track_id, self.at)


class RecordingStarted(Frozen):
    """A call is recorded from now on."""

    entry: Literal["recording_started"] = "recording_started"
    desired: DesiredEgress

    def apply(self, state: State) -> None:
        """Change the state."""
        call = state.call_session(self.desired.call, self.desired.call_session_id)
        call.egresses[self.desired.egress_id] = Egress(desired=self.desired)


class RecordingStopped(_OfCall):
    """A call is not recorded any more."""

    entry: Literal["recording_stopped"] = "recording_stopped"
    egress_id: str
    at: AwareDatetime

    def apply(self, state: State) -> None:
        """Change the state."""
        call = self._call(state)
        call.egresses[self.egress_id].state = EgressState.STOPPED
        for recording in state.recordings_of(call):
            if recording.egress.egress_id == self.egress_id:
                _finish(recording, SealReason.RECORDING_STOPPED, None)


class TakeHeld(_OfCall):
    """A track is captured from now on, though no recording has it yet."""

    entry: Literal["take_held"] = "take_held"
    user_session_id: str
    track_id: str
    number: int
    first_segment: int

    def held(self) -> HeldTake:
        """What it says."""
        return HeldTake.model_validate(self.model_dump(exclude={"entry"}))

    def apply(self, state: State) -> None:
        """Change the state."""
        state.held.append(self.held())
        state.next_take = max(state.next_take, self.number + 1)


class HeldLetGo(Frozen):
    """No recording has these takes, nor will: what was captured for them goes with the log."""

    entry: Literal["held_let_go"] = "held_let_go"
    numbers: tuple[int, ...]

    def apply(self, state: State) -> None:
        """Change the state."""
        state.held = [held for held in state.held if held.number not in self.numbers]


class TakeStarted(_OfCall):
    """A recording captures a track from now on; again, if the track was published again.

    With the number of a take that was held the recording has also what was captured for that.
    """

    entry: Literal["take_started"] = "take_started"
    egress_id: str
    user_session_id: str
    track: Track
    number: int
    first_segment: int

    def apply(self, state: State) -> None:
        """Change the state."""
        call = self._call(state)
        recording = state.recording(self.egress_id, self.call, self.user_session_id)
        if recording is None:
            recording = SessionRecording(
                call=self.call,
                call_session_id=self.call_session_id,
                egress=call.egresses[self.egress_id].desired,
                participant=call.sessions[self.user_session_id].participant,
            )
            state.recordings.append(recording)
        take = recording.takes.get(self.track.track_id)
        if take is None:
            take = Take(number=self.number, track=self.track, first_segment=self.first_segment)
            recording.takes[self.track.track_id] = take
        take.track = take.track.model_copy(update={"withdrawn_at": None})
        state.held = [held for held in state.held if held.number != self.number]
        state.next_take = max(state.next_take, self.number + 1)


class SealedTake(NamedTuple):
    """What a segment of the log held of a take."""

    number: int
    chunks: tuple[Chunk, ...]
    dropped_datagrams: int
    kernel_drops: int


class SegmentSealed(Frozen):
    """All chunks of a segment of the log are in the store."""

    entry: Literal["segment_sealed"] = "segment_sealed"
    segment: int
    takes: tuple[SealedTake, ...]

    def apply(self, state: State) -> None:
        """Change the state."""
        known = state.takes()
        for sealed in self.takes:
            if sealed.number not in known:
                continue
            _, take = known[sealed.number]
            take.chunks.extend(sealed.chunks)
            take.dropped_datagrams += sealed.dropped_datagrams
            take.kernel_drops += sealed.kernel_drops
        state.sealed_through = self.segment


class SessionSealed(_OfCall):
    """The manifest of a participant session is in the store."""

    entry: Literal["session_sealed"] = "session_sealed"
    egress_id: str
    user_session_id: str
    at: AwareDatetime

    def apply(self, state: State) -> None:
        """Change the state."""
        recording = state.recording(self.egress_id, self.call, self.user_session_id)
        if recording is not None:
            recording.sealed_at = self.at
            for take in recording.takes.values():
                take.chunks.clear()
        _forget(state)


class Reported(_OfCall):
    """The control plane knows that these recordings stopped, and whether the call ended."""

    entry: Literal["reported"] = "reported"
    stopped: tuple[str, ...]
    ended: bool

    def apply(self, state: State) -> None:
        """Change the state."""
        call = self._call(state)
        call.reported = call.reported or self.ended
        for egress_id in self.stopped:
            call.egresses[egress_id].reported = True
        _forget(state)


class AgentStopped(Frozen):
    """The agent was told to stop: what it captured is complete as it is."""

    entry: Literal["agent_stopped"] = "agent_stopped"

    def apply(self, state: State) -> None:
        """Change the state."""
        for recording in state.recordings:
            _finish(recording, SealReason.AGENT_SHUTDOWN, None)


class Snapshot(Frozen):
    """All the entries before it in one."""

    entry: Literal["snapshot"] = "snapshot"
    state: State

    def apply(self, state: State) -> None:
        """Change the state."""
        for name in State.model_fields:
            setattr(state, name, getattr(self.state, name))


Entry = Annotated[
    ClockFixed
    | CallAnnounced
    | CallEnded
    | SessionAnnounced
    | SessionWithdrawn
    | TrackAnnounced
    | TrackWithdrawn
    | RecordingStarted
    | RecordingStopped
    | TakeHeld
    | HeldLetGo
    | TakeStarted
    | SegmentSealed
    | SessionSealed
    | Reported
    | AgentStopped
    | Snapshot,
    Field(discriminator="entry"),
]

ENTRY: TypeAdapter[Entry] = TypeAdapter(Entry)
"""Reads a line of the journal."""


def _finish(recording: SessionRecording, reason: SealReason, left_at: AwareDatetime | None) -> None:
    """Capture no more for a participant session; the first reason stands."""
    if recording.reason is not None:
        return
    if left_at is not None:
        for track_id in recording.takes:
            _withdraw_take(recording, track_id, left_at)
    recording.reason = reason


def _withdraw_take(recording: SessionRecording, track_id: str, at: AwareDatetime) -> None:
    take = recording.takes.get(track_id)
    if take and take.track.withdrawn_at is None and recording.reason is None:
        take.track = take.track.model_copy(update={"withdrawn_at": at})


def _drop_held(state: State, call: CallState, *of: str) -> None:
    """Let go of what is held of a call, of a participant session, or of a track."""
    name = (call.call, call.call_session_id, *of)
    state.held = [
        held
        for held in state.held
        if (held.call, held.call_session_id, held.user_session_id, held.track_id)[: len(name)]
        != name
    ]


def _forget(state: State) -> None:
    """Let go of calls that are over, reported and sealed, and of what was recorded of them."""
    for call in list(state.calls):
        recordings = list(state.recordings_of(call))
        if (
            call.reported
            and all(egress.reported for egress in call.egresses.values())
            and all(recording.sealed_at is not None for recording in recordings)
        ):
            state.calls.remove(call)
            state.recordings = [r for r in state.recordings if not r.is_of(call)]
