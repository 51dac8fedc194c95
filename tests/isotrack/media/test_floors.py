from __future__ import annotations

import numpy as np

from isotrack.media.floors import (
    RangeMinimum,
    running_median,
    slopes,
    stiff_floor,
    window_minima,
)


def test_the_least_of_any_range_is_found() -> None:
    random = np.random.default_rng(1)
    values = random.integers(-(10**15), 10**15, 300)
    low = random.integers(0, 300, 1000)
    high = low + 1 + random.integers(0, 100, 1000)
    chosen = high <= 300
    low, high = low[chosen], high[chosen]

    least = RangeMinimum(values, 100)(low, high)

    assert least.tolist() == [values[a:z].min() for a, z in zip(low, high, strict=True)]


def test_a_window_without_points_has_the_nearest() -> None:
    x, y = np.array([0, 10, 100]), np.array([5, 3, 9])

    assert window_minima(x, y, np.array([5, 60, 130, -50]), 8).tolist() == [3, 9, 9, 5]


def test_a_stiff_floor_lies_under_all_and_does_not_follow_a_queue() -> None:
    x = np.arange(0, 1_000_000_000, 1_000_000)
    random = np.random.default_rng(2)
    y = 1000 + random.integers(0, 500, len(x))
    y[300:600] += 200_000

    floor = stiff_floor(x, y, 50e-6)

    assert (floor <= y).all()
    assert floor.max() < 1000 + 150 * 50 + 600
    assert np.abs(np.diff(floor)).max() <= 51


def test_slopes_tell_a_drift_through_outliers() -> None:
    x = np.arange(0, 10**9, 10**7)
    y = (x * 100e-6).astype(np.int64)
    y[::7] += 10**6

    assert abs(float(np.median(slopes(x, y))) - 100e-6) < 1e-7
    assert len(slopes(x[:3], y[:3])) == 0


def test_a_running_median_stays_within_its_run() -> None:
    y = np.array([1, 2, 90, 3, 100, 101, 102, 7])
    run = np.array([0, 0, 0, 0, 1, 1, 1, 4])

    assert running_median(y, 3, run).tolist() == [2, 2, 3, 3, 101, 101, 101, 7]
    assert running_median(np.array([4, 8]), 7, np.array([0, 0])).tolist() == [6, 6]
    assert running_median(np.zeros(0, np.int64), 7, np.zeros(0, np.int64)).tolist() == []
