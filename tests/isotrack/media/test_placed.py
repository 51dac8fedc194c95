from __future__ import annotations

import numpy as np

from isotrack.media.broken_line import Part
from isotrack.media.clock import Clock, Fit
from isotrack.media.placed import Placed, joined, place, place_whole
from tests.isotrack.media.test_frames import frames

CLOCK = Clock(48_000, [Part(0, np.array([0]), np.array([0]))], Fit("arrival"))


def bytes_of(placed: Placed) -> list[bytes]:
    found = [placed.frame(row) for row in range(placed.count)]
    assert placed.size.tolist() == [len(frame) for frame in found]
    return found


def test_frames_are_placed_by_their_own_timestamps() -> None:
    clock = Clock(
        48_000,
        [
            Part(0, np.array([0, 5_000]), np.array([10**15, 10**15 + 5_000])),
            Part(6000, np.array([6000]), np.array([2 * 10**15])),
        ],
        Fit("arrival"),
    )

    placed = place(frames(), clock)

    assert placed.time_us.tolist() == [10**15, 10**15 + 62_500 + 3000, 2 * 10**15 + 125_000]
    assert placed.duration_us.tolist() == [20_000, 20_000, 10_000]
    assert placed.rotation.tolist() == [0, 90, 0]
    part = placed.part(1, 3)
    assert bytes_of(part) == [b"bc", b"def"]
    assert part.after_loss.tolist() == [False, True]
    assert placed.part(1, 2).time_us.tolist() == [10**15 + 65_500]


def test_frames_stay_where_they_arrived() -> None:
    found = frames()

    placed = place(found, CLOCK)

    assert bytes_of(placed) == [b"a", b"bc", b"def"]
    (buffer,) = placed.slices.buffers
    assert buffer is found.buffer
    assert bytes_of(place(frames().take(np.zeros(3, np.bool_)), CLOCK)) == []


def test_pictures_do_not_say_how_long_they_last() -> None:
    placed = place(frames()._replace(duration=np.zeros(3, np.int64)), CLOCK)

    assert placed.duration_us.tolist() == [0, 0, 0]


def test_frames_of_a_mask_keep_their_bytes() -> None:
    placed = place(frames(), CLOCK)

    assert bytes_of(placed.kept(np.array([True, False, True]))) == [b"a", b"def"]
    assert placed.kept(np.ones(3, np.bool_)) is placed


def test_narrowed_frames_have_no_slices_but_those_from_the_first_to_the_last() -> None:
    placed = place(frames(), CLOCK)

    assert placed.narrowed() is placed
    assert bytes_of(placed.part(1, 2).narrowed()) == [b"bc"]
    assert placed.part(1, 2).narrowed().slices.count == 2
    assert placed.part(3, 3).narrowed().slices.count == 0
    assert placed.kept(np.array([True, False, True])).narrowed().slices.count == 6


def test_joined_parts_are_all_frames_over_the_slices_they_need() -> None:
    placed = place(frames(), CLOCK)
    others = place(frames()._replace(timestamp=np.array([7, 8, 9]) * 48), CLOCK)

    together = joined([placed.part(2, 3), others.part(0, 0), others.part(0, 2), placed.part(0, 1)])

    assert bytes_of(together) == [b"def", b"a", b"bc", b"a"]
    assert together.time_us.tolist() == [125_000, 7000, 8000, 0]
    assert together.after_loss.tolist() == [True, False, False, False]
    assert together.slices.count == 3 + 0 + 3 + 1
    assert bytes_of(placed) == [b"a", b"bc", b"def"]
    assert bytes_of(joined([placed.part(1, 3)])) == [b"bc", b"def"]


def test_frames_made_here_stand_one_behind_the_other() -> None:
    none = np.zeros(3, np.bool_)

    placed = place_whole(
        time_us=np.array([1, 2, 3]),
        duration_us=np.zeros(3, np.int64),
        keyframe=none,
        after_loss=none,
        rotation=np.zeros(3, np.int16),
        size=np.array([2, 0, 3]),
        body=b"abcde",
    )

    assert bytes_of(placed) == [b"ab", b"", b"cde"]
