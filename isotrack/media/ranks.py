"""What sorting tells of values, without the masked arrays that numpy loads to look for them.

`numpy.median`, `quantile` and `unique` do: 20 ms and two megabytes of every job.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def median(values: NDArray[Any]) -> float:
    """The middle one of values, at least one; of an even number the mean of the two in the middle.

    The same as `numpy.median`.
    """
    count = len(values)
    middle = [(count - 1) // 2, count // 2]
    return float(np.partition(values, middle)[middle].mean())


def quantile(values: NDArray[Any], fraction: float) -> float:
    """What such a part of values is below, at least one; between two of them in proportion.

    The same as `numpy.quantile`.
    """
    ordered = np.sort(values)
    place = fraction * (len(ordered) - 1)
    below = int(place)
    low, high = ordered[[below, min(below + 1, len(ordered) - 1)]].tolist()
    along = place - below
    # From the nearer end, as numpy does it.
    return float(low + (high - low) * along if along < 0.5 else high - (high - low) * (1 - along))


def distinct(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each value once, in order; the same as `numpy.unique`."""
    ordered = np.sort(values)
    fresh = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=fresh[1:])
    return ordered[fresh]
