"""What is in each track of a file, and what is not: parts of the sidecar.

Times are milliseconds from the start of the file, unless something else is said.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from isotrack.recording.files import Resolution
from isotrack.recording.sidecar_time import ClockReport
from isotrack.recording.tracks import Frozen, TrackType


class Stretch(Frozen):
    """A stretch of the file."""

    start_ms: int
    end_ms: int


class Interval(Frozen):
    """A stretch of the file, and why it is told of."""

    start_ms: int
    end_ms: int
    reason: Literal["lost", "silent"]
    """`lost`: packets are missing. `silent`: the participant sent nothing."""


class FilledMs(Frozen):
    """How much silence was put in."""

    lost: int
    silent: int


class CapturedStream(Frozen):
    """One run of packets of one SSRC that went into a track of the file."""

    track_id: str
    track_type: TrackType
    ssrc: int
    rid: str | None
    """Of its simulcast layer, where it was announced."""
    start_ms: int
    end_ms: int
    clock: ClockReport


class LayerUse(Frozen):
    """A layer of simulcast is shown, at one size."""

    start_ms: int
    end_ms: int
    ssrc: int
    rid: str | None
    width: int
    """As published: a camera may be turned."""
    height: int


class Rotation(Frozen):
    """How the camera is held from then on."""

    at_ms: int
    degrees: Literal[0, 90, 180, 270]
    """Clockwise, by which the picture as published is to be turned to stand upright."""
    turned: bool
    """Its pictures were coded anew to be so; otherwise they are in the file as published."""


class Keyframes(Frozen):
    """Where a decoder can begin."""

    count: int
    longest_interval_ms: int
    """Between two that follow each other."""
    every: int
    """Listed are the first one and each one that is so many behind."""
    times_ms: tuple[int, ...]


class Bitrate(Frozen):
    """Payload as it arrived, without what was sent again."""

    start_ms: int
    """Of the first value: a full second of the wall clock, at or just before the file begins."""
    step_ms: int
    """Each value is of so long a time."""
    kbps: tuple[int, ...]


class AudioLevel(Frozen):
    """How loud it was, as packets say of themselves (RFC 6464): nothing was decoded."""

    start_ms: int
    step_ms: int
    peak_dbov: tuple[int | None, ...]
    """Of the loudest packet, 0 down to -127 (silence); None where no packet told."""
    mean_dbov: tuple[int | None, ...]
    """Of the mean power of the packets that told."""
    speech: tuple[Stretch, ...]
    """Where somebody spoke, pauses of half a second included."""
    speech_ms: int
    """All of it, exact however long the list."""


class FileTrack(Frozen):
    """One track of the MKV."""

    number: int
    kind: Literal["audio", "video"]
    codec: str
    frames: int
    """Those that fill holes included."""
    start_ms: int
    end_ms: int
    streams: tuple[CapturedStream, ...]
    layers: tuple[LayerUse, ...] = ()
    """Of simulcast, as they take turns; empty where there never is more than one."""
    filled: tuple[Interval, ...] = ()
    """Silence that was put in (audio)."""
    filled_ms: FilledMs
    black: tuple[Stretch, ...] = ()
    """Where black pictures were put in, as an option has it (video)."""
    black_ms: int = 0
    unfilled: tuple[Stretch, ...] = ()
    """Holes of sound too long to be filled: players that ignore timestamps play on behind them."""
    frozen: tuple[Interval, ...] = ()
    """The picture stands still, since packets of it were lost (video)."""
    frozen_ms: int
    muted: tuple[Stretch, ...] = ()
    """Nothing was sent for more than a second: muted, switched off, or not yet there."""
    muted_ms: int
    keyframes: Keyframes | None = None
    """Of video."""
    resolutions: tuple[Resolution, ...] = ()
    """Every change of the picture's size, the first size first."""
    rotations: tuple[Rotation, ...] = ()
    """Every change of how the camera was held, as its packets say."""
    header_degrees: Literal[0, 90, 180, 270] = 0
    """Clockwise, by which the header has players turn all pictures that are as published."""
    bitrate: Bitrate
    audio_level: AudioLevel | None = None
    """None of video, and where packets do not tell it: then nothing is known about speech."""
    truncated: dict[str, int] = Field(default_factory=dict)
    """By the name of a list: how many entries it is short of. Stretches were joined with their
    neighbors, so that the list covers all; keyframes are evenly thinned; of all others the first
    are kept."""
