"""Values of the domain as tests need them: say what matters, leave the rest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from isotrack.recording import keys
from isotrack.recording.agents import EgressState, HostedCall, ObservedEgress, Report
from isotrack.recording.files import RecordingFile, Resolution
from isotrack.recording.manifest import CapturedTrack, Chunk, Manifest, SealReason
from isotrack.recording.outputs import DEFAULT_OUTPUT_TYPES, OutputType
from isotrack.recording.tracks import Call, ParticipantSession, Track, TrackType

NOON = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
CALL = Call(call_type="default", call_id="standup")
ALICE = ParticipantSession(user_id="alice", user_session_id="alice-1", joined_at=NOON)
EGRESS = "3f2c6f0e-9d1b-4c61-8f0a-6f6f2d1f7a10"
MANIFEST_KEY = keys.manifest(keys.session_prefix(CALL, EGRESS, ALICE.user_session_id))

MIME = {"audio": "audio/opus", "video": "video/VP8"}


def at(seconds: float) -> datetime:
    """So many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def track(track_type: TrackType) -> Track:
    video = track_type.kind == "video"
    return Track(
        track_id=f"alice-{track_type}",
        track_type=track_type,
        mime_type=MIME[track_type.kind],
        payload_type=96 if video else 111,
        clock_rate=90_000 if video else 48_000,
        channels=1 if video else 2,
        announced_at=NOON,
    )


def manifest(
    *track_types: TrackType,
    output_types: tuple[OutputType, ...] = DEFAULT_OUTPUT_TYPES,
    revision: int = 1,
) -> Manifest:
    """Alice's stay, with a chunk of each track."""
    prefix = keys.session_prefix(CALL, EGRESS, ALICE.user_session_id)
    captured = tuple(
        CapturedTrack(
            track=track(track_type),
            chunks=(
                Chunk(
                    key=keys.chunk(prefix, f"alice-{track_type}", 0),
                    size_bytes=1000,
                    crc32c=1,
                    packets=10,
                    first_arrival_us=1,
                    last_arrival_us=2,
                ),
            ),
        )
        for track_type in track_types
    )
    return Manifest(
        revision=revision,
        call=CALL,
        call_session_id="session-1",
        egress_id=EGRESS,
        recording_started_at=NOON,
        participant=ALICE,
        tracks=captured,
        output_types=output_types,
        sealed_at=at(60),
        reason=SealReason.PARTICIPANT_LEFT,
        agent_id="sfu-1",
    )


def file(output_type: OutputType = OutputType.AUDIO_VIDEO, **changes: object) -> RecordingFile:
    """A finished file of Alice's."""
    name = keys.filename(CALL, "alice", "alice-1", output_type, 1_772_366_400_250)
    made = RecordingFile(
        call=CALL,
        call_session_id="session-1",
        egress_id=EGRESS,
        user_id="alice",
        user_session_id="alice-1",
        output_type=output_type,
        filename=f"{name}.mkv",
        key=keys.recording_file(CALL, EGRESS, "alice-1", f"{name}.mkv"),
        sidecar_key=keys.recording_file(CALL, EGRESS, "alice-1", f"{name}.json"),
        storage="isotrack",
        codecs=("opus", "vp8"),
        resolutions=(Resolution(width=1280, height=720, at_ms=0),),
        start_time=at(2),
        end_time=at(60),
        timeline_offset_ms=2000,
        duration_ms=58_000,
        size_bytes=4_200_000,
        sha256="ab" * 32,
    )
    return made.model_copy(update=changes)


def hosted(
    *,
    session: str = "session-1",
    started_at: datetime = NOON,
    ended_at: datetime | None = None,
    participants: tuple[ParticipantSession, ...] = (ALICE,),
    recordings: Mapping[str, EgressState] | None = None,
    sealed: Mapping[str, int] | None = None,
    call: Call = CALL,
) -> HostedCall:
    """A call as an agent reports it, with the same sessions sealed of each recording."""
    observed = (recordings or {}).items()
    return HostedCall(
        call=call,
        call_session_id=session,
        started_at=started_at,
        ended_at=ended_at,
        participants=participants,
        recordings=tuple(
            ObservedEgress(egress_id=e, state=state, sealed=dict(sealed or {}))
            for e, state in observed
        ),
    )


def report(*calls: HostedCall) -> Report:
    return Report(calls=calls)
