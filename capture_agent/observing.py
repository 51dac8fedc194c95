"""The agent's state as its control interface shows it."""

from __future__ import annotations

import time
from pathlib import Path

from capture_agent import spool
from capture_agent.intake import Intake
from capture_agent.state import CallState, Ports, State, TrackState
from capture_agent.views import (
    CallStateView,
    CallView,
    Endpoint,
    MediaPortsView,
    RecordingView,
    SessionView,
    SpoolView,
    TrackCounters,
    TrackView,
)


def view_ports(host: str, ports: Ports) -> MediaPortsView:
    """Where the SFU sends a track to."""
    rtcp = ports.rtp if ports.rtcp is None else ports.rtcp
    return MediaPortsView(
        rtp=Endpoint(host=host, port=ports.rtp), rtcp=Endpoint(host=host, port=rtcp)
    )


def view_call(call: CallState) -> CallView:
    """A call as announced."""
    return CallView(
        call=call.call,
        call_session_id=call.call_session_id,
        started_at=call.started_at,
        ended_at=call.ended_at,
    )


def view_recordings(call: CallState) -> list[RecordingView]:
    """The recordings of a call, stopped ones too."""
    return [
        RecordingView(
            egress_id=egress_id,
            state=egress.state,
            started_at=egress.desired.started_at,
            output_types=egress.desired.output_types,
        )
        for egress_id, egress in call.egresses.items()
    ]


def view_calls(state: State, intake: Intake) -> list[CallStateView]:
    """All calls, and all that is going on in them."""
    dropped = _dropped(state)

    def view_track(call: CallState, user_session_id: str, track: TrackState) -> TrackView:
        ports, counts = view_ports(intake.host, track.ports), intake.count(track.ports)
        name = (call.call.cid, call.call_session_id, user_session_id, track.track.track_id)
        held = state.held_take(call, user_session_id, track.track.track_id) is not None
        return TrackView(
            track=track.track,
            rtp=ports.rtp,
            rtcp=ports.rtcp,
            recorded=intake.is_recorded(track.ports) and not held,
            counters=TrackCounters(dropped=dropped.get(name, 0), **counts._asdict()),
        )

    return [
        CallStateView(
            **view_call(call).model_dump(),
            recordings=view_recordings(call),
            sessions=[
                SessionView(
                    participant=session.participant,
                    tracks=[
                        view_track(call, user_session_id, track)
                        for track in session.tracks.values()
                        if track.track.withdrawn_at is None
                    ],
                )
                for user_session_id, session in call.sessions.items()
                if session.left_at is None
            ],
        )
        for call in state.calls
    ]


def _dropped(state: State) -> dict[tuple[str, str, str, str], int]:
    """Datagrams that did not belong to a track, by call, its session, participant and track."""
    dropped: dict[tuple[str, str, str, str], int] = {}
    for recording in state.recordings:
        of = (recording.call.cid, recording.call_session_id, recording.participant.user_session_id)
        for track_id, take in recording.takes.items():
            name = (*of, track_id)
            dropped[name] = dropped.get(name, 0) + take.dropped_datagrams
    return dropped


def view_spool(folder: Path, state: State, pending_uploads: int) -> SpoolView:
    """What is on the disk and not in the store."""
    sizes, oldest = 0, time.time()
    for number in spool.numbers(folder):
        try:
            stat = spool.path(folder, number).stat()
        except FileNotFoundError:  # sealed meanwhile
            continue
        sizes += stat.st_size
        oldest = min(oldest, stat.st_ctime)
    return SpoolView(
        bytes=sizes,
        seconds=max(0.0, time.time() - oldest),
        pending_uploads=pending_uploads,
        unsealed_sessions=sum(r.sealed_at is None for r in state.recordings),
    )
