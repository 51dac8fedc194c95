"""Block headers made at once are those made one by one."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isotrack.matroska.blocks import HEADER_SIZE, MAX_FRAME_SIZE, block_headers

BLOCK = st.tuples(
    st.integers(0, MAX_FRAME_SIZE),
    st.integers(1, 126),
    st.integers(-0x8000, 0x7FFF),
    st.booleans(),
)


def one_by_one(blocks: list[tuple[int, int, int, bool]]) -> bytes:
    """RFC 9559, section 10.2, in order of its bytes."""
    return b"".join(
        struct.pack(
            ">BIBhB", 0xA3, 1 << 28 | size + 4, 0x80 | track, relative_ms, 0x80 if keyframe else 0
        )
        for size, track, relative_ms, keyframe in blocks
    )


@settings(deadline=None)
@given(st.lists(BLOCK, max_size=50))
def test_headers_made_at_once_are_those_made_one_by_one(
    blocks: list[tuple[int, int, int, bool]],
) -> None:
    sizes, tracks, times, keyframes = np.array(blocks, np.int64).reshape(-1, 4).T
    headers = block_headers(sizes, tracks, times, keyframes > 0)
    assert headers.shape == (len(blocks), HEADER_SIZE)
    assert headers.dtype == np.uint8
    assert headers.tobytes() == one_by_one(blocks)


def test_one_track_number_stands_for_all() -> None:
    headers = block_headers(np.array([10, 20]), 3, np.array([0, -1]), np.array([True, False]))
    assert headers.tobytes() == one_by_one([(10, 3, 0, True), (20, 3, -1, False)])


@pytest.mark.parametrize(
    ("size", "track", "relative_ms", "message"),
    [
        (5, 1, 0x8000, "timestamp in its cluster is 32768"),
        (5, 1, -0x8001, "timestamp in its cluster is -32769"),
        (-1, 1, 0, "size is -1"),
        (MAX_FRAME_SIZE + 1, 1, 0, "size is 268435451"),
        (5, 0, 0, "track number is 0"),
        (5, 127, 0, "track number is 127"),
    ],
)
def test_what_a_header_cannot_say_is_refused(
    size: int, track: int, relative_ms: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        block_headers(
            np.array([5, size]), track, np.array([0, relative_ms]), np.array([True, False])
        )
