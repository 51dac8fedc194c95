"""A clock as a broken line: the host's time minus the RTP time, at knots some seconds apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.media.observations import ticks_to_us


class Part(NamedTuple):
    """A stretch over which the RTP clock went on: knots of the offset line."""

    start: int
    """RTP timestamp it begins at."""
    knots: NDArray[np.int64]
    """RTP timestamps in order, none behind the start of the next part."""
    offset_us: NDArray[np.int64]
    """Host time minus RTP time, Unix microseconds."""


class BrokenLine:
    """The parts of a clock in order; each goes on level before its first and after its last knot.

    Floats only ever hold the small bend between two knots, never a time.
    """

    def __init__(self, clock_rate: int, parts: Sequence[Part]) -> None:
        self._clock_rate = clock_rate
        self._starts = np.array([part.start for part in parts])
        self._knots = np.concatenate([part.knots for part in parts])
        self._offset_us = np.concatenate([part.offset_us for part in parts])
        self._last = np.cumsum([len(part.knots) for part in parts]) - 1
        self._first = np.concatenate(([0], self._last[:-1] + 1))

    def host_us(self, timestamp: NDArray[np.int64]) -> NDArray[np.int64]:
        """Unix microseconds of unwrapped RTP timestamps."""
        return ticks_to_us(timestamp, self._clock_rate) + self.offset_us(timestamp)

    def part(self, timestamp: NDArray[np.int64]) -> NDArray[np.int64]:
        """The part each RTP timestamp lies in."""
        return np.maximum(np.searchsorted(self._starts, timestamp, side="right") - 1, 0)

    def offset_us(
        self, timestamp: NDArray[np.int64], part: NDArray[np.int64] | None = None
    ) -> NDArray[np.int64]:
        """Host time minus RTP time, by the part it lies in or by another one."""
        part = self.part(timestamp) if part is None else part
        last = self._last[part]
        left = np.searchsorted(self._knots, timestamp, side="right") - 1
        left = np.clip(left, self._first[part], last)
        right = np.minimum(left + 1, last)
        width = self._knots[right] - self._knots[left]
        along = np.clip(timestamp - self._knots[left], 0, width) / np.maximum(width, 1)
        bend = np.rint(along * (self._offset_us[right] - self._offset_us[left]))
        offset: NDArray[np.int64] = self._offset_us[left] + bend.astype(np.int64)
        return offset
