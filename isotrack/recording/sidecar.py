"""The sidecar: what is known of a file's time, loss and fillers, as JSON beside it."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from isotrack.recording.files import RecordingFile, Resolution
from isotrack.recording.tracks import Frozen, TrackType


class Interval(Frozen):
    """A stretch of the file, in milliseconds from its start."""

    start_ms: int
    end_ms: int
    reason: Literal["lost", "silent"]
    """`lost`: packets are missing. `silent`: the participant sent nothing."""


class ClockReport(Frozen):
    """How the time of a stream was found, and how well it fits."""

    basis: Literal["sender_reports", "arrival"]
    residual_ms: float
    """Median distance between the floor of arrival delays and the line that was fitted."""
    reports: int
    """Sender reports heard."""


class CapturedStream(Frozen):
    """One run of packets of one SSRC that went into a track of the file."""

    track_id: str
    track_type: TrackType
    start_ms: int
    end_ms: int
    clock: ClockReport


class PacketCounts(Frozen):
    """What became of the packets of a captured track."""

    track_id: str
    received: int
    lost: int
    duplicates: int
    late: int
    malformed: int
    foreign: int
    wild: int
    dropped_datagrams: int
    kernel_drops: int
    frames_left_out: int


class FileTrack(Frozen):
    """One track of the MKV."""

    number: int
    codec: str
    frames: int
    streams: tuple[CapturedStream, ...]
    filled: tuple[Interval, ...] = ()
    """Silence that we put in (audio)."""
    frozen: tuple[Interval, ...] = ()
    """The picture stands still, since packets of it were lost (video)."""


class MissingChunk(Frozen):
    """A chunk that the manifest lists and that could not be used, wholly or in part."""

    key: str
    problem: Literal["missing", "corrupt", "torn"]
    detail: str


class Sidecar(Frozen):
    """Everything known about one recording file."""

    schema_version: Literal[1] = 1
    file: RecordingFile
    recording_started_at: AwareDatetime
    tracks: tuple[FileTrack, ...]
    resolutions: tuple[Resolution, ...]
    """Every change of the picture's size."""
    packets: tuple[PacketCounts, ...]
    missing_chunks: tuple[MissingChunk, ...]
