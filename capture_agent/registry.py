"""What the SFU announced: looked up by name, refused when it contradicts what is known."""

from __future__ import annotations

import uuid
from datetime import datetime

from capture_agent.announcements import CallAnnouncement, SessionAnnouncement, TrackAnnouncement
from capture_agent.clock import Clock
from capture_agent.entries import CallAnnounced, SessionAnnounced
from capture_agent.journal import Journal
from capture_agent.state import CallState, SessionState, State, TrackState
from isotrack.recording import keys
from isotrack.recording.errors import Conflict, Missing
from isotrack.recording.tracks import Call, ParticipantSession, Track


class Registry:
    """The calls of this SFU. All that raises leaves everything as it was."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock

    @property
    def state(self) -> State:
        """What is known."""
        return self._journal.state

    def call(self, call: Call) -> CallState:
        """A call that is going on. Raises Missing."""
        found = self.state.live_call(call)
        if found is None:
            raise Missing(f"call {call.cid} is not announced")
        return found

    def session(self, call: Call, user_session_id: str) -> SessionState:
        """A participant session that is going on. Raises Missing."""
        found = self.call(call).sessions.get(user_session_id)
        if found is None or found.left_at is not None:
            raise Missing(f"participant session {user_session_id} is not in call {call.cid}")
        return found

    def track(self, call: Call, user_session_id: str, track_id: str) -> TrackState:
        """A track that is published. Raises Missing."""
        found = self.session(call, user_session_id).tracks.get(track_id)
        if found is None or found.track.withdrawn_at is not None:
            raise Missing(f"track {track_id} is not published by {user_session_id} in {call.cid}")
        return found

    def announce_call(self, call: Call, body: CallAnnouncement) -> CallState:
        """A call begins, or is said again to have begun. Raises Conflict."""
        found = self.state.live_call(call)
        if found is not None:
            if body.call_session_id not in (None, found.call_session_id):
                raise Conflict(
                    f"call {call.cid} is in session {found.call_session_id}: end that one first"
                )
            return found
        session_id = body.call_session_id or str(uuid.uuid4())
        if any((c.call, c.call_session_id) == (call, session_id) for c in self.state.calls):
            raise Conflict(f"session {session_id} of call {call.cid} has ended")
        self._journal.write(
            CallAnnounced(
                call=call, call_session_id=session_id, started_at=self._time(body.started_at)
            )
        )
        return self.call(call)

    def announce_session(
        self, call: Call, user_session_id: str, body: SessionAnnouncement
    ) -> SessionState:
        """A participant joins, or is said again to have joined. Raises Conflict, Invalid."""
        known = self.state.live_call(call)
        found = known.sessions.get(user_session_id) if known else None
        if found is not None:
            if found.left_at is not None:
                raise Conflict(
                    f"participant session {user_session_id} has left call {call.cid}: "
                    "a user who returns has another user_session_id"
                )
            if found.participant.user_id != body.user_id:
                raise Conflict(
                    f"participant session {user_session_id} in call {call.cid} is of another user"
                )
            return found
        _check_key_length(call, user_session_id, "")
        call_state = self.announce_call(call, CallAnnouncement())
        participant = ParticipantSession(
            user_id=body.user_id,
            user_session_id=user_session_id,
            joined_at=self._time(body.joined_at),
        )
        self._journal.write(
            SessionAnnounced(
                call=call, call_session_id=call_state.call_session_id, participant=participant
            )
        )
        return self.session(call, user_session_id)

    def same_track(
        self, call: Call, user_session_id: str, track_id: str, body: TrackAnnouncement
    ) -> TrackState | None:
        """The published track that is announced once more, if it is. Raises Conflict, Invalid."""
        found = self.session(call, user_session_id).tracks.get(track_id)
        if found is None:
            _check_key_length(call, user_session_id, track_id)
            return None
        if found.announcement != body:
            raise Conflict(
                f"track {track_id} of {user_session_id} in call {call.cid} was announced "
                "otherwise: another track needs another track_id"
            )
        return found if found.track.withdrawn_at is None else None

    def new_track(self, track_id: str, body: TrackAnnouncement) -> Track:
        """A track that is published now."""
        described = body.model_dump(exclude={"rtcp_mux", "feedback"})
        return Track(track_id=track_id, announced_at=self._clock.now(), **described)

    def _time(self, announced: datetime | None) -> datetime:
        return self._clock.convert(announced) if announced else self._clock.now()


def _check_key_length(call: Call, user_session_id: str, track_id: str) -> None:
    """Raise Invalid if no chunk of these ids could be stored."""
    longest_id = "x" * 64
    keys.chunk(keys.session_prefix(call, longest_id, user_session_id), track_id or longest_id, 0)
