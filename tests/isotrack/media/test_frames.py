from __future__ import annotations

import numpy as np

from isotrack.media.clock import Clock, Part
from isotrack.media.frames import Frames
from isotrack.media.placed import place


def frames() -> Frames:
    """Three frames of one, two and three slices: a, bc, def."""
    return Frames(
        timestamp=np.array([0, 3000, 6000]),
        duration=np.array([960, 960, 480]),
        keyframe=np.array([True, False, False]),
        after_loss=np.array([False, False, True]),
        first_slice=np.array([0, 1, 3, 6]),
        slice_offset=np.arange(6) * 2,
        slice_length=np.ones(6, np.int64),
        buffer=np.frombuffer(b"a-b-c-d-e-f-", np.uint8),
    )


def test_a_frame_is_its_slices_joined() -> None:
    assert [frames().frame(i) for i in range(3)] == [b"a", b"bc", b"def"]
    assert frames().gather() == b"abcdef"
    assert frames().sizes().tolist() == [1, 2, 3]


def test_frames_are_taken_with_their_slices() -> None:
    taken = frames().take(np.array([True, False, True]))

    assert taken.count == 2
    assert [taken.frame(i) for i in range(2)] == [b"a", b"def"]
    assert taken.gather() == b"adef"
    assert taken.sizes().tolist() == [1, 3]
    assert taken.timestamp.tolist() == [0, 6000]
    assert taken.after_loss.tolist() == [False, True]


def test_no_frame_at_all_is_fine() -> None:
    taken = frames().take(np.zeros(3, np.bool_))

    assert taken.count == 0
    assert taken.gather() == b""
    assert taken.sizes().tolist() == []


def test_frames_are_placed_by_their_own_timestamps() -> None:
    clock = Clock(
        48_000,
        [
            Part(0, np.array([0, 480_000]), np.array([10**15, 10**15 + 480_000])),
            Part(6000, np.array([6000]), np.array([2 * 10**15])),
        ],
        "arrival",
        0,
    )

    placed = place(frames(), clock)

    assert placed.time_us.tolist() == [10**15, 10**15 + 62_500 + 3000, 2 * 10**15 + 125_000]
    assert placed.duration_us.tolist() == [20_000, 20_000, 10_000]
    assert placed.part(1, 3).body == b"bcdef"
    assert placed.part(1, 2).time_us.tolist() == [10**15 + 65_500]
