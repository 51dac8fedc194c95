"""Floors: what lies under noise that only ever adds, and lines through noise that goes both ways.

The delay of a packet is never less than its path's, and often more. So a delay is told by the
least of many, and a drift by how the least ones move.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.int64]


class RangeMinimum:
    """The least value in any ranges of a column, found at once (a sparse table).

    Args:
        values: the column.
        longest: no range is longer than this.
    """

    def __init__(self, values: Column, longest: int) -> None:
        self._levels = [values]
        width = 1
        while 2 * width <= longest:
            below = self._levels[-1]
            self._levels.append(np.minimum(below[:-width], below[width:]))
            width *= 2

    def __call__(self, low: Column, high: Column) -> Column:
        """The least value from each `low` up to, not including, its `high`, which is greater."""
        level = np.frexp(high - low)[1] - 1
        least = np.empty(len(low), np.int64)
        for each, table in enumerate(self._levels):
            rows = np.flatnonzero(level == each)
            least[rows] = np.minimum(table[low[rows]], table[high[rows] - (1 << each)])
        return least


def window_minima(x: Column, y: Column, at: Column, half: int) -> Column:
    """The least y within half a window of each point; the nearest y where there is none."""
    low, high = np.searchsorted(x, at - half), np.searchsorted(x, at + half, side="right")
    nearest = np.minimum(np.searchsorted(x, at), len(x) - 1)
    low = np.where(low < high, low, nearest)
    high = np.maximum(high, low + 1)
    return RangeMinimum(y, int((high - low).max()))(low, high)


def slopes(x: Column, y: Column) -> NDArray[np.float64]:
    """The slopes between points half of all apart, whose median is that of the line through them.

    After Theil and Sen; none of less than four points, which noise may put anywhere.
    """
    half = len(x) // 2
    if half < 2:
        return np.zeros(0)
    found: NDArray[np.float64] = (y[half:] - y[:-half]) / np.maximum(x[half:] - x[:-half], 1)
    return found


def rise(inclination: float, x: Column, origin: int) -> Column:
    """How far a slope has risen at each x from where it began."""
    risen: Column = np.rint(inclination * (x - origin)).astype(np.int64)
    return risen


def stiff_floor(x: Column, y: Column, steepest: float) -> Column:
    """The highest line below all points whose slope is nowhere above `steepest`, at each x.

    A rise of y that comes back, however long a queue lasts, hardly lifts it. Points are in order.
    """
    ramp = rise(steepest, x, int(x[0]))
    forward = np.minimum.accumulate(y - ramp) + ramp
    backward = np.minimum.accumulate((y + ramp)[::-1])[::-1] - ramp
    return np.minimum(forward, backward)


def running_median(y: Column, width: int, run: Column) -> Column:
    """The median of the `width` nearest rows of each row, of those of its run.

    Args:
        y: the rows.
        width: how many; fewer of a run that has not as many.
        run: which run each row belongs to, in order.
    """
    rows = np.arange(len(y))
    start = np.searchsorted(run, run)
    end = np.searchsorted(run, run, side="right")
    count = np.minimum(end - start, width)
    first = np.clip(rows - width // 2, start, end - count)
    window = first[:, np.newaxis] + np.arange(width)
    beyond = window >= end[:, np.newaxis]
    values = np.where(beyond, np.iinfo(np.int64).max, y[np.minimum(window, len(y) - 1)])
    values.sort(axis=1)
    low, high = values[rows, (count - 1) // 2], values[rows, count // 2]
    median: Column = low + (high - low) // 2
    return median
