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

    def near(self, value: int) -> int:
        """A single value unwrapped; the counter stays where it is."""
        if self._last is None:
            return self._range + value
        half = self._range >> 1
        return self._last + (value - self._last + half) % self._range - half

    def count_on(self, first: int, steps: NDArray[np.signedinteger]) -> NDArray[np.int64]:
        """The values that begin with `first` and go on by these steps, each less than half a range.

        For who knows the steps already.
        """
        unwrapped = np.empty(steps.size + 1, np.int64)
        unwrapped[0], unwrapped[1:] = self.near(first), steps
        np.add.accumulate(unwrapped, out=unwrapped)
        self._last = int(unwrapped[-1])
        return unwrapped

    def count_up(self, first: int, count: int) -> NDArray[np.int64]:
        """So many values, at least one, that begin with `first` and go up by one."""
        start = self.near(first)
        self._last = start + count - 1
        return np.arange(start, start + count)

    def __call__(self, values: NDArray[np.integer]) -> NDArray[np.int64]:
        """The values unwrapped, continuing from the call before."""
        if not values.size:
            return np.empty(0, np.int64)
        if values.dtype.kind == "u" and 1 << 8 * values.dtype.itemsize == self._range:
            # Subtraction wraps as the counter does.
            steps = (values[1:] - values[:-1]).view(f"i{values.dtype.itemsize}")
        else:
            wide, half = values.astype(np.int64), self._range >> 1
            steps = (wide[1:] - wide[:-1] + half) % self._range - half
        return self.count_on(int(values[0]), steps)
