"""The recorder: what is announced and what is asked for, made to be what is captured.

Every change is in the journal before anything acts on it. What follows a change and takes time
(packets still on their way, the last segment, the manifest) runs by itself, and is begun anew by
`resume` after a restart.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator
from errno import EADDRINUSE
from typing import Any, Protocol

from capture_agent.announcements import (
    CallAnnouncement,
    RecordingOrder,
    SessionAnnouncement,
    TrackAnnouncement,
)
from capture_agent.clock import Clock
from capture_agent.commits import Commits
from capture_agent.entries import (
    AgentStopped,
    CallEnded,
    RecordingStarted,
    RecordingStopped,
    SessionWithdrawn,
    TakeHeld,
    TakeStarted,
    TrackAnnounced,
    TrackWithdrawn,
)
from capture_agent.intake import Intake
from capture_agent.journal import Journal
from capture_agent.preroll import Preroll
from capture_agent.registry import Registry
from capture_agent.sealer import Sealer
from capture_agent.state import CallState, Egress, Ports, SessionRecording, SessionState, TrackState
from isotrack.recording import keys
from isotrack.recording.agents import DesiredEgress
from isotrack.recording.errors import Conflict, Invalid, Missing
from isotrack.recording.tracks import Call

LINGER_SECONDS = 0.5
"""Ports of a withdrawn track stay open so long, for what was sent before the announcement."""

_REBIND_TRIES = 50
_REBIND_SECONDS = 0.1
_LONGEST_EGRESS_ID = 64

_log = logging.getLogger(__name__)


class Rotation(Protocol):
    """Who writes the spool: `supervisor.CaptureProcess`."""

    segment: int
    """The segment that is written to, or an earlier one."""

    async def rotate(self) -> int:
        """Close the segment: the last one with anything received before this call."""

    async def quit(self) -> None:
        """Write what was received, and receive no more."""


class Recorder:
    """The one place that changes what is captured."""

    def __init__(
        self,
        *,
        journal: Journal,
        clock: Clock,
        intake: Intake,
        capture: Rotation,
        sealer: Sealer,
        commits: Commits,
        preroll: Preroll,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self.registry = Registry(journal, clock)
        self.changed = asyncio.Event()
        """Set when the control plane should hear of something at once."""
        self._preroll = preroll
        self._journal = journal
        self._clock = clock
        self._intake = intake
        self._capture = capture
        self._sealer = sealer
        self._commits = commits
        self._spawn = spawn

    async def resume(self) -> None:
        """Go on where the agent before was killed: same ports, same takes."""
        for call in self._journal.state.calls:
            for session, track in _published(call):
                await self._rebind(call, session, track)
            if egress := call.running():
                self._begin_takes(call, egress, _published(call))
                for _, track in _published(call):
                    self._ask_for_keyframe(track)
        self._preroll.resume()
        finished = [r for r in self._journal.state.recordings if r.reason and not r.sealed_at]
        if finished:
            self._spawn(self._retire([], finished))

    def announce_call(self, call: Call, body: CallAnnouncement) -> CallState:
        """A call begins. Raises Conflict."""
        self.changed.set()
        return self.registry.announce_call(call, body)

    def announce_session(
        self, call: Call, user_session_id: str, body: SessionAnnouncement
    ) -> SessionState:
        """A participant joins, and their call begins if it has not. Raises Conflict, Invalid."""
        self.changed.set()
        return self.registry.announce_session(call, user_session_id, body)

    def announce_track(
        self, call: Call, user_session_id: str, track_id: str, body: TrackAnnouncement
    ) -> TrackState:
        """A participant publishes: the track has its ports when this returns.

        Raises:
            Missing: there is no such participant session.
            Conflict: the track was announced otherwise before.
            Invalid: the ids are too long together.
            Transient: no port is free.
        """
        if found := self.registry.same_track(call, user_session_id, track_id, body):
            return found
        call_state = self.registry.call(call)
        ports = self._intake.bind(rtcp_mux=body.rtcp_mux)
        announced = TrackAnnounced(
            **_name(call_state),
            user_session_id=user_session_id,
            track=self.registry.new_track(track_id, body),
            announcement=body,
            ports=ports,
        )
        session = self.registry.session(call, user_session_id)
        held = [self._hold(announced)] if self._preroll.wants(call_state, session) else []
        try:
            self._journal.write(announced, *held)
        except OSError:
            self._intake.close(ports)
            raise
        track = self.registry.track(call, user_session_id, track_id)
        for take in held:
            self._preroll.begin(take.held())
        if egress := call_state.running():
            self._begin_takes(call_state, egress, [(session, track)])
        return track

    def withdraw_track(self, call: Call, user_session_id: str, track_id: str) -> None:
        """A participant publishes a track no more. Raises Missing."""
        track = self.registry.track(call, user_session_id, track_id)
        self._journal.write(
            TrackWithdrawn(
                **_name(self.registry.call(call)),
                user_session_id=user_session_id,
                track_id=track_id,
                at=self._clock.now(),
            )
        )
        self._spawn(self._retire([track.ports], [], linger=True))

    def withdraw_session(self, call: Call, user_session_id: str) -> None:
        """A participant leaves. Raises Missing."""
        session, call_state = self.registry.session(call, user_session_id), self.registry.call(call)
        ports = [track.ports for of, track in _published(call_state) if of is session]
        self._journal.write(
            SessionWithdrawn(
                **_name(call_state), user_session_id=user_session_id, at=self._clock.now()
            )
        )
        recordings = [
            recording
            for recording in self._journal.state.recordings_of(call_state)
            if recording.participant.user_session_id == user_session_id
        ]
        self.changed.set()
        self._spawn(self._retire(ports, recordings, linger=True))

    def end_call(self, call: Call) -> None:
        """A call is over. Raises Missing."""
        call_state = self.registry.call(call)
        ports = [track.ports for _, track in _published(call_state)]
        self._journal.write(CallEnded(**_name(call_state), at=self._clock.now()))
        recordings = list(self._journal.state.recordings_of(call_state))
        self.changed.set()
        self._spawn(self._retire(ports, recordings, linger=True))

    def start(self, desired: DesiredEgress) -> None:
        """Record a call from now on. Raises Missing, Conflict, Invalid."""
        call = self.registry.call(desired.call)
        if desired.call_session_id != call.call_session_id:
            raise Missing(f"call {desired.call.cid} is not in session {desired.call_session_id}")
        if desired.egress_id in call.egresses or call.running():
            raise Conflict(f"call {desired.call.cid} is or was recorded: {list(call.egresses)}")
        if len(keys.encode(desired.egress_id)) > _LONGEST_EGRESS_ID:
            raise Invalid(f"egress id {desired.egress_id!r} is too long for a key")
        self._journal.write(RecordingStarted(desired=desired))
        self._begin_takes(call, call.egresses[desired.egress_id], _published(call))
        for _, track in _published(call):
            self._ask_for_keyframe(track)
        self.changed.set()

    def stop(self, call: CallState, egress_id: str) -> None:
        """Record a call no more."""
        self._journal.write(
            RecordingStopped(**_name(call), egress_id=egress_id, at=self._clock.now())
        )
        recordings = [
            recording
            for recording in self._journal.state.recordings_of(call)
            if recording.egress.egress_id == egress_id
        ]
        takes = (take for recording in recordings for take in recording.takes.values())
        self._intake.release({take.number for take in takes})
        self.changed.set()
        self._spawn(self._retire([], recordings))

    def order(self, call: Call, body: RecordingOrder) -> Egress:
        """Start a recording, where no control plane does. Raises Missing, Conflict."""
        call_state = self.registry.call(call)
        running = call_state.running()
        if running and body.egress_id in (None, running.desired.egress_id):
            return running
        egress_id = body.egress_id or str(uuid.uuid4())
        self.start(
            DesiredEgress(
                **_name(call_state),
                egress_id=egress_id,
                started_at=self._clock.now(),
                output_types=body.output_types,
                storage=body.storage,
            )
        )
        return call_state.egresses[egress_id]

    async def shut_down(self) -> None:
        """Seal everything as it is."""
        self._preroll.end()
        self._journal.write(AgentStopped())
        await self._capture.quit()
        await self._commits.commit(list(self._journal.state.recordings), self._capture.segment - 1)

    async def _retire(
        self,
        ports: Collection[Ports],
        recordings: Collection[SessionRecording],
        *,
        linger: bool = False,
    ) -> None:
        """Close ports and seal what they were recorded for."""
        if linger and ports:
            await asyncio.sleep(LINGER_SECONDS)
        for closing in ports:
            self._intake.close(closing)
        if not recordings:
            return
        last_segment = await self._capture.rotate()
        await self._commits.commit(recordings, last_segment)
        self.changed.set()

    def _hold(self, announced: TrackAnnounced) -> TakeHeld:
        """What a track is captured for until it is known whether its call is recorded."""
        return TakeHeld(
            call=announced.call,
            call_session_id=announced.call_session_id,
            user_session_id=announced.user_session_id,
            track_id=announced.track.track_id,
            number=self._journal.state.next_take,
            first_segment=self._capture.segment,
        )

    def _begin_takes(
        self, call: CallState, egress: Egress, tracks: Iterable[tuple[SessionState, TrackState]]
    ) -> None:
        """Record tracks, or go on recording them, with one entry in the journal each."""
        state, entries, begun = self._journal.state, [], []
        egress_id, number = egress.desired.egress_id, state.next_take
        for session, track in tracks:
            user_session_id, track_id = session.participant.user_session_id, track.track.track_id
            recording = state.recording(egress_id, call.call, user_session_id)
            if recording and recording.reason:
                _log.error("%s of %s: %s has its manifest", track_id, user_session_id, egress_id)
                continue
            take = recording.takes.get(track_id) if recording else None
            begun_as = take or state.held_take(call, user_session_id, track_id)
            entries.append(
                TakeStarted(
                    **_name(call),
                    egress_id=egress_id,
                    user_session_id=user_session_id,
                    track=track.track,
                    number=begun_as.number if begun_as else number,
                    first_segment=begun_as.first_segment if begun_as else self._capture.segment,
                )
            )
            number += begun_as is None
            begun.append(track)
        if entries:
            self._journal.write(*entries)
        takes = state.takes()
        for entry, track in zip(entries, begun, strict=True):
            self._sealer.announce(*takes[entry.number])
            self._intake.record(track.ports, entry.number)

    def _ask_for_keyframe(self, track: TrackState) -> None:
        """Ask the SFU for a keyframe, so that the recording of a running video can begin."""
        announced = track.announcement
        if track.track.track_type.kind != "video" or announced.feedback is None:
            return
        for ssrc in (announced.ssrc, *(layer.ssrc for layer in announced.layers)):
            if ssrc is not None:
                self._intake.ask_for_keyframe(track.ports, announced.feedback, ssrc)

    async def _rebind(self, call: CallState, session: SessionState, track: TrackState) -> None:
        for _ in range(_REBIND_TRIES):  # the capture process of the agent before may still end
            try:
                self._intake.rebind(track.ports)
            except OSError as error:
                if error.errno != EADDRINUSE:
                    raise
                await asyncio.sleep(_REBIND_SECONDS)
            else:
                return
        track_id, user_session_id = track.track.track_id, session.participant.user_session_id
        _log.error("%s of %s: its ports are taken; announce it again", track_id, user_session_id)
        self._journal.write(
            TrackWithdrawn(
                **_name(call),
                user_session_id=user_session_id,
                track_id=track_id,
                at=self._clock.now(),
            )
        )


def _name(call: CallState) -> dict[str, Any]:
    """What names a call session in an entry."""
    return {"call": call.call, "call_session_id": call.call_session_id}


def _published(call: CallState) -> Iterator[tuple[SessionState, TrackState]]:
    """The tracks of a call that are published now."""
    for session in call.sessions.values():
        for track in session.tracks.values():
            if track.track.withdrawn_at is None:
                yield session, track
