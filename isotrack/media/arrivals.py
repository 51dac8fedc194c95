"""What arrivals tell of a stream's clock: the floor of its delays, stretch by stretch."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.media.broken_line import BrokenLine, Part
from isotrack.media.floors import rise, slopes, stiff_floor, window_minima
from isotrack.media.observations import ClockObservations, Delays, ticks_to_us
from isotrack.media.ranks import median
from isotrack.media.standstills import in_host_time, run_starts

KNOT_S = 10
"""Distance of knots: a drift of 100 ppm bends the line by 1 ms in that time."""

WINDOW_S = 15
"""Knots look this far to both sides for the least delay: a queue is drained by then."""

STRAY_US = 2_500_000
"""A report further from the arrivals tells of another clock (pacers hold back 2 s of media)."""

NEARER_US = 50_000
"""And one nearer by so much to an earlier stretch is of that."""

FASTEST_PPM = 2000.0
"""No clock is further off its rate: a stretch that seems so was all queue."""

STIFF_PPM = 200.0
"""Nor does a clock change its rate by more: what bends so was held back, or sent early."""

_DRIFT_S = 10  # over less, a drift moves nothing by much and noise may look like one
_BUCKETS = 24  # whose least delays show the drift


class Tied(NamedTuple):
    """What a sender said, tied to the arrivals of the stream: columns, by part and RTP time."""

    part: NDArray[np.int64]
    """The stretch it belongs to, in order."""
    timestamp: NDArray[np.int64]
    host_us: NDArray[np.int64]
    """When it was said, give or take the path."""
    floor_us: NDArray[np.int64]
    """The floor of the stream's arrivals there: host time minus RTP time."""
    distance_us: NDArray[np.int64]
    """Host's clock, by that floor, minus the sender's clock."""
    delay_us: NDArray[np.int64]
    """Of the report itself: its arrival minus the RTP time it names."""


class Arrivals:
    """The stretches of a stream over which its clock kept going, and the floor of each.

    Args:
        stream: what was seen of it; it has had a packet.
    """

    def __init__(self, stream: ClockObservations) -> None:
        self.clock_rate = stream.clock_rate
        delays, self.shift_us = in_host_time(stream.delays())
        self.delays = delays
        starts = run_starts(delays, stream.clock_rate)
        self.arrival_us = delays.arrival_us[starts]
        """When each stretch began."""
        ranges = list(itertools.pairwise([*starts.tolist(), len(delays.arrival_us)]))
        # One slope for all, for a queue may tilt a short stretch.
        found = np.concatenate([self._slopes(delays, *each) for each in ranges])
        bend = median(found) if len(found) else 0.0
        bend = min(max(bend * self.clock_rate, -FASTEST_PPM), FASTEST_PPM) / self.clock_rate
        self.parts = [self._part(delays, *each, bend) for each in ranges]
        self.line = BrokenLine(self.clock_rate, self.parts)
        self.drift_ppm = -bend * self.clock_rate
        """By how much the RTP clock is fast."""

    def tie_reports(self, stream: ClockObservations) -> tuple[Tied, int]:
        """The stream's sender reports, and how many more tell nothing of its packets.

        A report is of the stretch in which it came or of the one before, whichever its RTP time
        is near: senders go on counting in reports while a clock stands still in the packets.
        """
        reports = stream.reports()
        era = np.minimum(reports.era, len(self.shift_us) - 1)
        came_us = reports.arrival_us + self.shift_us[era]
        media_us = ticks_to_us(reports.timestamp, self.clock_rate)
        delay_us = came_us - media_us
        part = np.maximum(np.searchsorted(self.arrival_us, came_us, side="right") - 1, 0)
        floor_us = self.line.offset_us(reports.timestamp, part)
        earlier_us = self.line.offset_us(reports.timestamp, np.maximum(part - 1, 0))
        of_earlier = np.abs(earlier_us - delay_us) + NEARER_US < np.abs(floor_us - delay_us)
        floor_us = np.where(of_earlier, earlier_us, floor_us)
        part = np.where(of_earlier, part - 1, part)
        near = np.abs(floor_us - delay_us) <= STRAY_US
        heard = near & self._beside_media(reports.timestamp, part)
        near = heard if heard.any() else near  # those said while muted are better than none
        distance_us = media_us + floor_us - reports.ntp_us
        tied = Tied(part, reports.timestamp, came_us, floor_us, distance_us, delay_us)
        return _in_order(tied, near), int(np.count_nonzero(~near))

    def tie_capture_times(self, stream: ClockObservations) -> Tied:
        """What the stream's packets said of their capture."""
        captured = stream.capture_times()
        part = self.line.part(captured.timestamp)
        floor_us = self.line.offset_us(captured.timestamp)
        host_us = ticks_to_us(captured.timestamp, self.clock_rate) + floor_us
        distance_us = host_us - captured.capture_us
        tied = Tied(part, captured.timestamp, host_us, floor_us, distance_us, floor_us)
        return _in_order(tied, np.ones(len(floor_us), np.bool_))

    def _beside_media(
        self, timestamp: NDArray[np.int64], part: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Whether RTP times are so near the packets of a part that its floor is known there."""
        first = np.array([each.knots[0] for each in self.parts])[part]
        last = np.array([each.knots[-1] for each in self.parts])[part]
        reach = WINDOW_S * self.clock_rate
        beside: NDArray[np.bool_] = (timestamp >= first - reach) & (timestamp <= last + reach)
        return beside

    def _slopes(self, delays: Delays, start: int, end: int) -> NDArray[np.float64]:
        """What a stretch shows of the drift, in microseconds a tick; none if it is short."""
        timestamp = delays.timestamp[start:end]
        span = int(timestamp[-1] - timestamp[0])
        if span < _DRIFT_S * self.clock_rate:
            return np.zeros(0)
        width = min(max(span // _BUCKETS, self.clock_rate), KNOT_S * self.clock_rate)
        bucket = (timestamp - timestamp[0]) // width
        begins = np.flatnonzero(np.diff(bucket, prepend=-1))
        return slopes(timestamp[begins], np.minimum.reduceat(delays.delay_us[start:end], begins))

    def _part(self, delays: Delays, start: int, end: int, bend: float) -> Part:
        timestamp = delays.timestamp[start:end]
        first, span = int(timestamp[0]), int(timestamp[-1] - timestamp[0])
        # What was sent between the last packet before and this one comes later than this one, if
        # at all: it was sent after the clock went on.
        begin = min(int(delays.previous[start]) + 1, first)
        count = -(-span // (KNOT_S * self.clock_rate))
        knots = first + span * np.arange(count + 1) // max(count, 1)
        level = delays.delay_us[start:end] - rise(bend, timestamp, first)
        floor = window_minima(timestamp, level, knots, WINDOW_S * self.clock_rate)
        floor = stiff_floor(knots, floor, STIFF_PPM / self.clock_rate)
        return Part(begin, knots, floor + rise(bend, knots, first))


def _in_order(tied: Tied, chosen: NDArray[np.bool_]) -> Tied:
    rows = np.flatnonzero(chosen)
    rows = rows[np.lexsort((tied.timestamp[rows], tied.part[rows]))]
    return Tied(*(column[rows] for column in tied))
