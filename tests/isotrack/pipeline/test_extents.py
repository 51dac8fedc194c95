from __future__ import annotations

import numpy as np
import pytest

from isotrack.pipeline.extents import LaneExtent

START_US = 1_760_000_000_000_000
FRAME_US = 33_000


def pictures(extent: LaneExtent, times_us: list[int], *, lost: tuple[int, ...] = ()) -> None:
    """Add pictures, the first a keyframe, some behind a loss."""
    rows = np.arange(len(times_us))
    time_us = START_US + np.array(times_us, np.int64)
    extent.add(time_us, np.zeros(len(rows), np.int64), np.isin(rows, lost), rows == 0)


def listed(bounds: np.ndarray) -> list[list[int]]:
    return (bounds - START_US).tolist()


def test_a_picture_stands_still_from_before_a_loss_to_behind_it() -> None:
    extent = LaneExtent(is_video=True)

    pictures(extent, [0, FRAME_US])
    pictures(extent, [10 * FRAME_US, 11 * FRAME_US, 20 * FRAME_US], lost=(0, 2))

    assert listed(extent.freezes.listed()) == [
        [FRAME_US, 10 * FRAME_US],
        [11 * FRAME_US, 20 * FRAME_US],
    ]
    assert extent.mutes.count == 0


@pytest.mark.parametrize(("pause_us", "is_mute"), [(1_000_000, False), (1_000_001, True)])
def test_a_camera_that_sends_nothing_for_more_than_a_second_is_off(
    pause_us: int, is_mute: bool
) -> None:
    extent = LaneExtent(is_video=True)

    pictures(extent, [0])
    pictures(extent, [pause_us])

    assert listed(extent.mutes.listed()) == ([[0, pause_us]] if is_mute else [])
    assert extent.freezes.count == 0
    assert extent.keyframes.kept_us() == [START_US, START_US + pause_us]


def test_a_day_of_damage_is_held_in_little_memory_and_counted_exactly() -> None:
    extent = LaneExtent(is_video=True)

    for chunk in range(100):
        times_us = [FRAME_US * (100 * chunk + row) for row in range(100)]
        pictures(extent, times_us, lost=tuple(range(1, 100, 2)))

    assert extent.freezes.count == 5000
    assert extent.freezes.total_us == 5000 * FRAME_US
    assert len(extent.freezes.listed()) == 1000


def test_sound_ends_when_its_last_frame_does_and_has_no_keyframes() -> None:
    extent = LaneExtent(is_video=False)
    time_us = START_US + np.array([0, 20_000, 9_000_000], np.int64)
    flags = np.ones(3, np.bool_)

    extent.add(time_us, np.array([20_000, 60_000, 20_000]), flags, flags)

    assert extent.end_us == START_US + 9_020_000
    assert (extent.keyframes.count, extent.mutes.count, extent.freezes.count) == (0, 0, 0)


def end_us(*times_us: int, batch: int) -> int:
    """When the last of these pictures ends, seen in batches of so many."""
    extent = LaneExtent(is_video=True)
    for at in range(0, len(times_us), batch):
        pictures(extent, list(times_us[at : at + batch]))
    return extent.end_us - START_US


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_the_last_picture_lasts_as_long_as_the_one_before_it(batch: int) -> None:
    """Edge case 214: the last frame has a duration."""
    assert end_us(0, 40_000, 80_000, 130_000, batch=batch) == 180_000


@pytest.mark.parametrize("batch", [1, 2, 3, 7])
def test_pictures_out_of_decode_order_end_with_the_latest(batch: int) -> None:
    assert end_us(0, 120_000, 40_000, 80_000, batch=batch) == 160_000
    assert end_us(0, 40_000, 160_000, 80_000, 120_000, batch=batch) == 200_000


@pytest.mark.parametrize("batch", [1, 2])
def test_a_single_picture_lasts_a_thirtieth_of_a_second(batch: int) -> None:
    assert end_us(500, batch=batch) == 500 + 33_333
    assert end_us(500, 500, batch=batch) == 500 + 33_333


@pytest.mark.parametrize("batch", [1, 2])
def test_a_picture_never_lasts_longer_than_a_second_for_want_of_a_next_one(batch: int) -> None:
    assert end_us(0, 10_000_000, batch=batch) == 11_000_000
