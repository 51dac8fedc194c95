"""Unwrapping: counters of few bits (sequence number, timestamp) made to count on for ever."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Unwrapper:
    """Extends a wrapping counter by the half-range rule (RFC 3550 appendix A.1).

    Each value is taken to lie less than half the range away from the one before it, forward or
    back; exactly half is back. The first value begins one range up, so that a packet that comes
    late from before it is not negative.
    """

    def __init__(self, bits: int) -> None:
        self._range = 1 << bits
        self._last: int | None = None

    @property
    def last(self) -> int | None:
        """The value unwrapped last, None before the first."""
        return self._last

    def __call__(self, values: NDArray[np.integer]) -> NDArray[np.int64]:
        """The values unwrapped, continuing from the call before."""
        if not values.size:
            return np.empty(0, np.int64)
        steps = values.astype(np.int64)
        first = int(steps[0])
        if self._last is None:
            self._last = self._range + first
        steps[1:] -= steps[:-1].copy()
        steps[0] = first - self._last
        half = self._range >> 1
        unwrapped = np.cumsum((steps + half & self._range - 1) - half) + self._last
        self._last = int(unwrapped[-1])
        return unwrapped
