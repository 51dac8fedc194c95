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
        first, half = int(values[0]), self._range >> 1
        if self._last is None:
            self._last = self._range + first
        unwrapped = np.empty(values.size, np.int64)
        unwrapped[0] = self._last + (first - self._last + half) % self._range - half
        if values.dtype.kind == "u" and 1 << 8 * values.dtype.itemsize == self._range:
            # Subtraction wraps as the counter does.
            steps = (values[1:] - values[:-1]).view(f"i{values.dtype.itemsize}")
        else:
            wide = values.astype(np.int64)
            steps = (wide[1:] - wide[:-1] + half) % self._range - half
        np.cumsum(steps, out=unwrapped[1:])
        unwrapped[1:] += unwrapped[0]
        self._last = int(unwrapped[-1])
        return unwrapped
