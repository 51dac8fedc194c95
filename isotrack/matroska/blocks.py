"""Headers of SimpleBlocks, a whole cluster's at once (RFC 9559, section 10.2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isotrack.matroska.ids import SIMPLE_BLOCK
from isotrack.matroska.tracks import MAX_TRACK_NUMBER

HEADER_SIZE = 9
"""Bytes before each frame: id (1), size (4), track number (1), timestamp (2), flags (1)."""

MIN_RELATIVE_MS, MAX_RELATIVE_MS = -0x8000, 0x7FFF
"""How far a block's timestamp can be from its cluster's."""

MAX_FRAME_SIZE = (1 << 28) - 2 - 4
"""Bytes of a frame whose block still says its size in four bytes."""

_KEYFRAME = 0x80


def block_headers(
    size: NDArray[np.int64],
    track: NDArray[np.int64] | int,
    relative_ms: NDArray[np.int64],
    keyframe: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """The header of each block, to be written right before its frame.

    All headers have the same length, so that they can be put in place before the frames are moved.

    Args:
        size: bytes of each frame, shape (n,).
        track: track number of each block, or of all of them.
        relative_ms: timestamp minus the cluster's, shape (n,).
        keyframe: whether decoding can start there, shape (n,); always true of audio.

    Returns:
        Shape (n, HEADER_SIZE).

    Raises:
        ValueError: a size, a track number or a timestamp cannot be written.
    """
    _check(size, 0, MAX_FRAME_SIZE, "a frame's size")
    _check(np.asarray(track), 1, MAX_TRACK_NUMBER, "a track number")
    _check(relative_ms, MIN_RELATIVE_MS, MAX_RELATIVE_MS, "a block's timestamp in its cluster")
    headers = np.empty((len(size), HEADER_SIZE), np.uint8)
    headers[:, 0] = SIMPLE_BLOCK
    headers[:, 1:5] = _big_endian((size + 4) | 0x10000000, ">u4")
    headers[:, 5] = np.asarray(track) | 0x80
    headers[:, 6:8] = _big_endian(relative_ms, ">i2")
    headers[:, 8] = np.where(keyframe, _KEYFRAME, 0)
    return headers


def _big_endian(values: NDArray[np.int64], dtype: str) -> NDArray[np.uint8]:
    """Each value's bytes as a row."""
    return values.astype(dtype)[:, None].view(np.uint8)


def _check(values: NDArray[np.int64], low: int, high: int, what: str) -> None:
    wrong = (values < low) | (values > high)
    if wrong.any():
        raise ValueError(f"{what} is {values[wrong].flat[0]}, not in {low}..{high}")
