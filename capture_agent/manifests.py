"""The manifest of a participant session: the commit of everything captured of it."""

from __future__ import annotations

from datetime import datetime

from capture_agent.state import SessionRecording
from isotrack.recording import keys
from isotrack.recording.manifest import CapturedTrack, Manifest, SealReason


def manifest_key(recording: SessionRecording) -> str:
    """Where the manifest goes."""
    return keys.manifest(
        keys.session_prefix(
            recording.call, recording.egress.egress_id, recording.participant.user_session_id
        )
    )


def manifest_of(
    recording: SessionRecording, reason: SealReason, agent_id: str, sealed_at: datetime
) -> Manifest:
    """Everything that was captured of a participant session while a recording ran."""
    tracks = (
        CapturedTrack(
            track=take.track,
            chunks=tuple(sorted(take.chunks, key=lambda chunk: chunk.key)),
            dropped_datagrams=take.dropped_datagrams,
            kernel_drops=take.kernel_drops,
        )
        for take in recording.takes.values()
    )
    return Manifest(
        call=recording.call,
        call_session_id=recording.call_session_id,
        egress_id=recording.egress.egress_id,
        recording_started_at=recording.egress.started_at,
        participant=recording.participant,
        tracks=tuple(tracks),
        output_types=recording.egress.output_types,
        storage=recording.egress.storage,
        sealed_at=sealed_at,
        reason=reason,
        agent_id=agent_id,
    )
