"""When a stream plays: its RTP time on the SFU host's clock.

    host time = RTP time / clock rate + offset(RTP time)

The offset is a broken line through knots some seconds apart, so that it follows the drift of a
sender's clock over hours, and its parts are as few as the times the RTP clock stood still. It comes
from two things that are seen (`observations`):

- The least delays of arrival. They tie a stream to the host's clock, but include the path's own
  delay and, for audio, the time a packet takes to fill.
- Sender reports. They tell the tracks of one sender apart to the millisecond, but on the sender's
  own clock, which may be wrong by years; clocks of two senders are never compared.

So a participant session has one line from the sender's clock to the host's, the lower envelope of
the arrivals of all of its reported streams; reports put each stream on it. Where reports contradict
the arrivals, or there are none, a stream is placed by its arrivals alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.media.observations import ClockObservations, Reports, ticks_to_us
from isotrack.media.standstills import run_starts

KNOT_S = 10
"""Distance of knots: a drift of 100 ppm bends the line by 1 ms in that time."""

WINDOW_US = 15_000_000
"""Knots look this far to both sides for the least delay or the median report."""

CONTRADICTION_US = 100_000
"""Reports that put tracks of one sender further apart than their arrivals are wrong."""

BROKEN_US = 2_000_000
"""And so is a sender's clock that was set anew, seen at a single knot."""

_MIN_KNOTS = 12  # a drift shows only over some minutes
_MIN, _MAX = np.iinfo(np.int64).min, np.iinfo(np.int64).max


class Part(NamedTuple):
    """A stretch over which the RTP clock went on: knots of the offset line."""

    start: int
    """RTP timestamp it begins at."""
    knots: NDArray[np.int64]
    """RTP timestamps."""
    offset_us: NDArray[np.int64]
    """Host time minus RTP time, Unix microseconds."""


class Clock:
    """Places the RTP timestamps of one stream on the SFU host's clock."""

    def __init__(
        self, clock_rate: int, parts: Sequence[Part], basis: str, residual_us: int
    ) -> None:
        self.clock_rate = clock_rate
        self._parts = parts
        self.basis = basis
        """`sender_reports` or `arrival`: what the line was made of."""
        self.residual_us = residual_us
        """Median distance of the floor of arrivals from the line."""

    def host_us(self, timestamp: NDArray[np.int64]) -> NDArray[np.int64]:
        """Unix microseconds of unwrapped RTP timestamps."""
        starts = np.array([part.start for part in self._parts])
        which = np.maximum(np.searchsorted(starts, timestamp, side="right") - 1, 0)
        host: NDArray[np.int64] = ticks_to_us(timestamp, self.clock_rate)
        for ordinal in np.unique(which):
            chosen = which == ordinal
            host[chosen] += _line(self._parts[ordinal], timestamp[chosen])
        return host

    def host_us_at(self, timestamp: int) -> int:
        """Unix microseconds of one unwrapped RTP timestamp."""
        return int(self.host_us(np.array([timestamp], np.int64))[0])


def _line(part: Part, timestamp: NDArray[np.int64]) -> NDArray[np.int64]:
    """The offset at RTP timestamps; floats only ever hold the small bend, never a time."""
    bend = np.interp(
        timestamp - part.knots[0], part.knots - part.knots[0], part.offset_us - part.offset_us[0]
    )
    offset: NDArray[np.int64] = part.offset_us[0] + np.rint(bend).astype(np.int64)
    return offset


class _Heard(NamedTuple):
    """What the reports of a stretch say at each of its knots."""

    offset_us: NDArray[np.int64]
    """Sender's clock minus RTP time."""
    ntp_us: NDArray[np.int64]
    """The sender's clock."""


class _Stretch(NamedTuple):
    """A part in the making: what was seen of it at each knot."""

    start: int
    knots: NDArray[np.int64]
    floor_us: NDArray[np.int64]
    """Least delay around each knot, less the time a packet takes to fill."""
    heard: _Heard | None
    """None without reports."""


def fit_clocks(streams: Sequence[ClockObservations], fill_us: Sequence[int]) -> list[Clock]:
    """Fit the clocks of all streams of one participant session together.

    Args:
        streams: what was seen of each; every one has had packets.
        fill_us: how long before its sending the first sample of each stream's packets was taken:
            audio waits until a packet is full, video does not.
    """
    stretches = [_stretches(s, fill) for s, fill in zip(streams, fill_us, strict=True)]
    reported = [(part.heard, part.floor_us) for parts in stretches for part in parts if part.heard]
    sender = _SenderLine(reported) if reported else None
    return [
        _clock(stream.clock_rate, parts, sender if sender and sender.trusted else None)
        for stream, parts in zip(streams, stretches, strict=True)
    ]


class _SenderLine:
    """The line from a sender's clock to the host's: least distance of arrival from report.

    Args:
        reported: what was heard of each stretch, and its floor at the same knots.
    """

    def __init__(self, reported: Sequence[tuple[_Heard, NDArray[np.int64]]]) -> None:
        ntp = [heard.ntp_us for heard, _ in reported]
        distance = [floor - heard.offset_us for heard, floor in reported]
        order = np.argsort(np.concatenate(ntp), kind="stable")
        self._ntp = np.concatenate(ntp)[order]
        self._offset = _window(
            self._ntp, np.concatenate(distance)[order], self._ntp, WINDOW_US, np.min
        )
        above = [d - self.at(n) for n, d in zip(ntp, distance, strict=True)]
        self.trusted = all(
            np.median(each) <= CONTRADICTION_US and each.max() <= BROKEN_US for each in above
        )

    def at(self, ntp_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """Host clock minus sender's clock at times of the sender's clock."""
        bend = np.interp(
            ntp_us - self._ntp[0], self._ntp - self._ntp[0], self._offset - self._offset[0]
        )
        distance: NDArray[np.int64] = self._offset[0] + np.rint(bend).astype(np.int64)
        return distance


def _clock(clock_rate: int, stretches: Sequence[_Stretch], sender: _SenderLine | None) -> Clock:
    """The clock of one stream: by reports where there are any that can be trusted.

    A stretch without reports is placed by its arrivals, as far above the line as those of its
    stream are elsewhere.
    """
    by_reports = [
        each.heard.offset_us + sender.at(each.heard.ntp_us) if sender and each.heard else None
        for each in stretches
    ]
    above = [
        each.floor_us - line
        for each, line in zip(stretches, by_reports, strict=True)
        if line is not None
    ]
    if not above:
        parts = [Part(each.start, each.knots, each.floor_us) for each in stretches]
        return Clock(clock_rate, parts, "arrival", 0)
    usual = int(np.median(np.concatenate(above)))
    parts = [
        Part(each.start, each.knots, each.floor_us - usual if line is None else line)
        for each, line in zip(stretches, by_reports, strict=True)
    ]
    return Clock(clock_rate, parts, "sender_reports", abs(usual))


def _stretches(stream: ClockObservations, fill_us: int) -> list[_Stretch]:
    """Cut a stream where its clock stood still, and look at each knot of what is left."""
    delays, reports = stream.delays(), stream.reports()
    starts = run_starts(delays)
    order = np.argsort(delays.timestamp, kind="stable")
    timestamp, delay = delays.timestamp[order], delays.delay_us[order]
    step, window = KNOT_S * stream.clock_rate, WINDOW_US * stream.clock_rate // 1_000_000
    found = []
    for start, end in itertools.pairwise([_MIN, *starts[1:], _MAX]):
        inside = slice(*np.searchsorted(timestamp, (start, end)))
        knots = np.arange(timestamp[inside][0], timestamp[inside][-1] + step, step)
        floor = _window(timestamp[inside], delay[inside], knots, window, np.min) - fill_us
        heard = slice(*np.searchsorted(reports.timestamp, (start, end)))
        of_part = Reports(reports.timestamp[heard], reports.ntp_us[heard])
        found.append(
            _Stretch(start, knots, floor, _hear(of_part, stream.clock_rate, knots, window))
        )
    return found


def _hear(
    reports: Reports, clock_rate: int, knots: NDArray[np.int64], window: int
) -> _Heard | None:
    """What reports say at each knot."""
    if not len(reports.timestamp):
        return None
    difference = reports.ntp_us - ticks_to_us(reports.timestamp, clock_rate)
    offset = _window(reports.timestamp, difference, knots, window, np.median)
    return _Heard(offset, offset + ticks_to_us(knots, clock_rate))


def _window(
    x: NDArray[np.int64],
    y: NDArray[np.int64],
    at: NDArray[np.int64],
    half: int,
    measure: Callable[[NDArray[np.int64]], np.generic],
) -> NDArray[np.int64]:
    """Least or median y within half a window of each point, as if y had no slope there."""
    level = _measure(x, y, at, half, measure)
    slope = _slope(at, level)
    if not slope:
        return level
    level = _measure(x, y - _rise(slope, x, x[0]), at, half, measure)
    return level + _rise(slope, at, x[0])


def _measure(
    x: NDArray[np.int64],
    y: NDArray[np.int64],
    at: NDArray[np.int64],
    half: int,
    measure: Callable[[NDArray[np.int64]], np.generic],
) -> NDArray[np.int64]:
    """A measure of y within half a window of each point; the nearest y where there is none."""
    low = np.searchsorted(x, at - half)
    high = np.searchsorted(x, at + half, side="right")
    nearest = np.clip(np.searchsorted(x, at), 0, len(x) - 1)
    values = [
        int(measure(y[a:z])) if z > a else int(y[n])
        for a, z, n in zip(low.tolist(), high.tolist(), nearest.tolist(), strict=True)
    ]
    return np.array(values, np.int64)


def _slope(x: NDArray[np.int64], y: NDArray[np.int64]) -> float:
    """The median rise between points half of all apart (Theil and Sen): the drift of a clock."""
    half = len(x) // 2
    if half < _MIN_KNOTS // 2:
        return 0.0
    return float(np.median((y[half:] - y[:-half]) / np.maximum(x[half:] - x[:-half], 1)))


def _rise(slope: float, x: NDArray[np.int64], origin: np.int64) -> NDArray[np.int64]:
    rise: NDArray[np.int64] = np.rint(slope * (x - origin)).astype(np.int64)
    return rise
