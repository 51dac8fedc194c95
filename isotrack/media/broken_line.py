"""A clock as a broken line: the host's time minus the RTP time, at knots some seconds apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.media.observations import ticks_to_us
from isotrack.media.ranks import distinct


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
        # From each of these places to the next, and before all of them, it is one piece.
        self._places = distinct(np.concatenate((self._starts, self._knots)))
        each = np.concatenate((self._places[:1] - 1, self._places))
        self._pieces = self._find(each, self.part(each))

    def host_us(self, timestamp: NDArray[np.int64]) -> NDArray[np.int64]:
        """Unix microseconds of unwrapped RTP timestamps."""
        return ticks_to_us(timestamp, self._clock_rate) + self.offset_us(timestamp)

    def part(self, timestamp: NDArray[np.int64]) -> NDArray[np.int64]:
        """The part each RTP timestamp lies in."""
        return np.maximum(self._starts.searchsorted(timestamp, side="right") - 1, 0)

    def offset_us(
        self, timestamp: NDArray[np.int64], part: NDArray[np.int64] | None = None
    ) -> NDArray[np.int64]:
        """Host time minus RTP time, by the part it lies in or by another one."""
        left, width, rise_us, offset_us = (
            self._look_up(timestamp) if part is None else self._find(timestamp, part)
        )
        bend_us = (timestamp - left) / width
        bend_us *= rise_us
        offset: NDArray[np.int64] = np.rint(bend_us, out=bend_us).astype(np.int64)
        offset += offset_us
        return offset

    def _find(self, timestamp: NDArray[np.int64], part: NDArray[np.int64]) -> NDArray[np.int64]:
        """The straight piece for each RTP timestamp, in these parts: columns.

        They are the RTP timestamp of the knot on its left, the ticks to the one on its right, by
        how much the offset is more there (0 where the line is level), and the offset on the left.
        """
        last = self._last[part]
        knot = self._knots.searchsorted(timestamp, side="right") - 1
        knot = np.minimum(np.maximum(knot, self._first[part]), last)
        following = np.minimum(knot + 1, last)
        left, offset_us = self._knots[knot], self._offset_us[knot]
        width = np.maximum(self._knots[following] - left, 1)
        rise_us = (self._offset_us[following] - offset_us) * (timestamp >= left)
        return np.array((left, width, rise_us, offset_us))

    def _look_up(self, timestamp: NDArray[np.int64]) -> NDArray[np.int64]:
        """The same in the part each lies in; one column where all have the same piece."""
        if not len(timestamp) or np.count_nonzero(timestamp[1:] < timestamp[:-1]):
            row = self._places.searchsorted(timestamp, side="right")
            return self._pieces.take(row, axis=1)
        first, last = self._places.searchsorted(timestamp[[0, -1]], side="right").tolist()
        pieces = self._pieces[:, first : last + 1]
        if first == last:
            return pieces
        begins = timestamp.searchsorted(self._places[first:last])
        ends = np.concatenate((begins, [len(timestamp)]))
        ends[1:] -= begins
        return pieces.repeat(ends, axis=1)
