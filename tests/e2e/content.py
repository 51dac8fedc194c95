"""What a file really shows and plays: when it flashes, when it beeps, and in which sizes.

The demo's participants flash and beep on each whole second of the call (`infra.local.demo.picture`
and `.sound`); these functions find both in a finished file by decoding all of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from isotrack.adapters.ffmpeg import PictureSize, pictures, sounds

WHITE_LUMA = 170
"""A flash is white (235) with black letters in it; all else stays below a mean of 130."""

BEEP_LEVEL = 0.12
"""A beep's amplitude is 0.5; what Opus smears ahead of it, and its own noise, is below 0.05."""

SILENCE_MS = 200
"""So long it must have been quiet before a beep begins: beeps are 920 ms apart."""

_PER_MS = 48


class VideoContent(NamedTuple):
    """The pictures of a file, on its own timeline."""

    count: int
    corrupt: int
    """Decoded, but with something missing."""
    flashes_ms: tuple[float, ...]
    """Time of the first white picture of each flash."""
    sizes: tuple[PictureSize, ...]
    longest_pause_ms: float
    """Between two pictures that follow each other."""


class AudioContent(NamedTuple):
    """The sound of a file, on its own timeline."""

    beeps_ms: tuple[float, ...]
    """Time of the onset of each beep."""
    played_ms: float
    """Sound that there is, fillers of silence included."""
    longest_hole_ms: float
    """Where the file has no sound at all, not even silence."""


def video_content(path: Path, track: int = 0) -> VideoContent:
    """Decode every picture of a file.

    Raises:
        CorruptInput: one of them cannot be decoded.
    """
    flashes: list[float] = []
    sizes: list[PictureSize] = []
    count = corrupt = 0
    white, before_us, longest_us = False, None, 0
    for picture in pictures(path, track):
        count += 1
        corrupt += picture.corrupt
        was_white, white = white, float(picture.luma.mean()) > WHITE_LUMA
        if white and not was_white:
            flashes.append(picture.at_us / 1000)
        height, width = picture.luma.shape
        if not sizes or (width, height) != sizes[-1][1:]:
            sizes.append(PictureSize(picture.at_us // 1000, width, height))
        if before_us is not None:
            longest_us = max(longest_us, picture.at_us - before_us)
        before_us = picture.at_us
    return VideoContent(count, corrupt, tuple(flashes), tuple(sizes), longest_us / 1000)


def audio_content(path: Path, track: int = 0) -> AudioContent:
    """Decode all sound of a file.

    Raises:
        CorruptInput: some of it cannot be decoded.
    """
    times: list[np.ndarray] = []
    levels: list[np.ndarray] = []
    end_ms, hole_ms, played_ms = None, 0.0, 0.0
    for sound in sounds(path, track):
        start_ms = sound.at_us / 1000
        length_ms = sound.samples.shape[1] / _PER_MS
        if end_ms is not None:
            hole_ms = max(hole_ms, start_ms - end_ms)
        end_ms = start_ms + length_ms
        played_ms += length_ms
        times.append(start_ms + np.arange(sound.samples.shape[1]) / _PER_MS)
        levels.append(np.abs(sound.samples).max(axis=0))
    if not times:
        return AudioContent((), 0.0, 0.0)
    return AudioContent(_onsets(np.concatenate(times), np.concatenate(levels)), played_ms, hole_ms)


def _onsets(times_ms: np.ndarray, levels: np.ndarray) -> tuple[float, ...]:
    """The first loud sample after each long silence; a beep cut at the front has no onset."""
    loud_ms = times_ms[levels > BEEP_LEVEL]
    if not loud_ms.size:
        return ()
    pauses = np.diff(loud_ms, prepend=times_ms[0])
    return tuple(float(at) for at in loud_ms[pauses > SILENCE_MS])


def seconds_in(stretches: Iterable[tuple[int, int]]) -> list[int]:
    """The whole seconds in stretches of the call (ms) that are in them with all their 100 ms."""
    return [
        second
        for start_ms, end_ms in stretches
        for second in range(-(-start_ms // 1000) * 1000, end_ms - 100, 1000)
    ]
