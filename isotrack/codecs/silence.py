"""Silent frames, as many of each length as fill a stretch of sound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Silence(NamedTuple):
    """Valid silent frames, one after the other."""

    duration: NDArray[np.int64]
    """[n] RTP ticks of each frame."""
    size: NDArray[np.int64]
    """[n] bytes of each frame."""
    body: bytes
    """The frames, joined."""


def fill(ticks: int, frames: Sequence[tuple[int, bytes]]) -> Silence:
    """As much silence as fits, taken from frames of these lengths.

    Args:
        ticks: to be filled; what is left over is shorter than the last of the frames.
        frames: how long each lasts, at least one tick, and its bytes; the longest first.
    """
    rest = max(ticks, 0)
    counts = []
    for duration, _ in frames:
        count, rest = divmod(rest, duration)
        counts.append(count)
    return Silence(
        np.repeat(np.array([duration for duration, _ in frames], np.int64), counts),
        np.repeat(np.array([len(frame) for _, frame in frames], np.int64), counts),
        b"".join(frame * count for (_, frame), count in zip(frames, counts, strict=True)),
    )


def cut(ticks: int, piece: int, bytes_per_tick: int, code: bytes) -> Silence:
    """Silence of a codec that may be cut anywhere: frames of `piece` ticks and one of the rest.

    Args:
        ticks: to be filled to the last of them.
        piece: ticks of every frame but the last.
        bytes_per_tick: of the codec.
        code: the byte of silence.
    """
    rest = max(ticks, 0) % piece
    lengths = [piece, rest] if rest else [piece]
    return fill(ticks, [(each, code * (each * bytes_per_tick)) for each in lengths])
