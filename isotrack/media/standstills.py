"""Where the RTP clock of a stream stood still or leapt: what its delays tell of it.

A delay that rises and stays up is a clock that stood still. One that comes back was a queue, as
long as it may take to drain. One that falls below its old floor is a clock that leapt ahead, if
RTP time did so from one packet to the next: else media was sent faster than it plays, as files are.
Neither is it one where the floor is so young that it may have been a queue itself, or where the
arrivals ran back: then it was the host's clock that was set.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from isotrack.media.floors import RangeMinimum
from isotrack.media.observations import Delays, ticks_to_us

STOP_US = 200_000
"""Floors further apart than this are those of a clock before and after it stood still."""

SHARP_US = 60_000
"""So are these, if all delays of some seconds before were less: no queue fills at once."""

QUEUE_US = 15_000_000
"""A queue is drained by then."""

_BEFORE_US = 5_000_000  # how long delays must have been less before a sharp rise
_ROWS_BEFORE = 3  # and how many of them there must be


def run_starts(delays: Delays, clock_rate: int) -> NDArray[np.int64]:
    """Rows from which on the clock kept going; the first is 0.

    The arrivals of the rows must be in order (`in_host_time`).
    """
    seen = _Seen(delays, clock_rate)
    starts = [0]
    for row in seen.suspects().tolist():
        if delays.timestamp[row] > delays.timestamp[starts[-1]] and seen.breaks(row, starts[-1]):
            starts.append(row)
    return np.array(starts)


def in_host_time(delays: Delays) -> tuple[Delays, NDArray[np.int64]]:
    """Delays as if the host's clock had never been set back, and what is added in each era.

    By how much it was set is told by the floors around that moment (edge case 204).
    """
    eras = int(delays.era[-1]) + 1
    shift = np.zeros(eras, np.int64)
    begins = np.searchsorted(delays.era, np.arange(eras + 1)).tolist()
    for era in range(1, eras):
        before, after = slice(*begins[era - 1 : era + 1]), slice(*begins[era : era + 2])
        old, young = delays.arrival_us[before], delays.arrival_us[after]
        floor = delays.delay_us[before][old >= old[-1] - QUEUE_US].min()
        shift[era] = shift[era - 1] + floor
        shift[era] -= delays.delay_us[after][young <= young[0] + QUEUE_US].min()
    added = shift[delays.era]
    moved = delays._replace(arrival_us=delays.arrival_us + added, delay_us=delays.delay_us + added)
    return moved, shift


class _Seen:
    """The delays around each row."""

    def __init__(self, delays: Delays, clock_rate: int) -> None:
        self._step_us = ticks_to_us(delays.timestamp - delays.previous, clock_rate)
        self._arrival_us = np.maximum.accumulate(delays.arrival_us)
        self._delay_us = delays.delay_us
        self._leaps_us: Counter[int] = Counter()  # of the clock that has gone on from a row
        rows = np.arange(len(self._delay_us))
        # What came before a row is looked at from the row before it: there may be a pause between.
        self._earliest = self._since(QUEUE_US)
        self._shortly_before = self._since(_BEFORE_US)
        end = np.searchsorted(self._arrival_us, self._arrival_us + QUEUE_US, side="right")
        longest = int(np.maximum(rows - self._earliest, end - rows).max())
        self._least = RangeMinimum(self._delay_us, longest)
        self._most = RangeMinimum(-self._delay_us, longest)
        self._following = self._least(rows, end)

    def suspects(self) -> NDArray[np.int64]:
        """The rows at which the clock may have been broken; at all others it was not."""
        rows = np.arange(1, len(self._delay_us))
        low = self._earliest[rows]
        rises = self._following[rows] > self._least(low, rows) + SHARP_US
        falls = self._delay_us[rows] < -self._most(low, rows) - STOP_US
        return rows[rises | falls]

    def breaks(self, row: int, start: int) -> bool:
        """Whether the clock that has gone on from row `start` was broken at this one."""
        floor = self._extreme(self._least, max(int(self._earliest[row]), start), row)
        delay_us = int(self._delay_us[row])
        if delay_us < floor - STOP_US:
            known_us = int(self._arrival_us[row] - self._arrival_us[start])
            if int(self._step_us[row]) <= floor - delay_us - STOP_US:
                return False
            # Steps of a queue that drains add up to no more than was in it.
            self._leaps_us[start] += floor - delay_us
            return max(known_us, self._leaps_us[start]) > QUEUE_US
        rise = int(self._following[row]) - floor
        return rise > STOP_US or (rise > SHARP_US and self._is_sharp(row, start))

    def _is_sharp(self, row: int, start: int) -> bool:
        """Whether all that follows comes later than all that came shortly before."""
        near = max(int(self._shortly_before[row]), start)
        if row - near < _ROWS_BEFORE:
            return False
        return int(self._following[row]) > SHARP_US - self._extreme(self._most, near, row)

    def _extreme(self, table: RangeMinimum, low: int, high: int) -> int:
        return int(table(np.array([low]), np.array([high]))[0])

    def _since(self, span_us: int) -> NDArray[np.int64]:
        """The first row of those within a span before the row before each."""
        first = np.searchsorted(self._arrival_us, self._arrival_us - span_us)
        return np.concatenate(([0], first[:-1]))
