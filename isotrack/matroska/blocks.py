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

_HEADER = np.dtype(
    [("id", "u1"), ("size", ">u4"), ("track", "u1"), ("time", ">i2"), ("flags", "u1")]
)


def block_headers(
    size: NDArray[np.int64],
    track: NDArray[np.int64] | int,
    relative_ms: NDArray[np.int64],
    keyframe: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """The header of each block, to be written right before its frame.

    All headers have the same length: where a block begins follows from the sizes of the frames.

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
    headers = np.empty(len(size), _HEADER)
    headers["id"] = SIMPLE_BLOCK
    headers["size"] = (size + 4) | 0x10000000
    headers["track"] = np.asarray(track) | 0x80
    headers["time"] = relative_ms
    headers["flags"] = keyframe * np.uint8(_KEYFRAME)
    return headers.view(np.uint8).reshape(-1, HEADER_SIZE)


def _check(values: NDArray[np.int64], low: int, high: int, what: str) -> None:
    if values.size and (values.min() < low or values.max() > high):
        wrong = (values < low) | (values > high)
        raise ValueError(f"{what} is {values[wrong].flat[0]}, not in {low}..{high}")
