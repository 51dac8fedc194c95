"""When a stream plays: its RTP time on the SFU host's clock.

    host time = RTP time / clock rate + offset(RTP time)

The offset is a broken line through knots some seconds apart, so that it follows the drift of a
sender's clock over hours, and its parts are as few as the times the RTP clock stood still. It is

    the floor of the stream's delays of arrival - the lag of the stream

The floor (`arrivals`) ties a stream to the host's clock, which all participants share. The lag
(`senders`) is how much later than their capture its packets come at best, but for the path: it
hardly changes, and the sender's reports tell it. Where there are none it is the least time a packet
takes to fill, and a track without reports among others is placed as those are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.media.arrivals import Arrivals, Tied
from isotrack.media.broken_line import BrokenLine, Part
from isotrack.media.observations import ClockObservations
from isotrack.media.ranks import median, quantile
from isotrack.media.senders import Heard, Lag, find_lags

OUTLIER_US = 50_000
"""A report that far off the line through its neighbors was not followed."""


class Spread(NamedTuple):
    """How far from a line something is: absolute distances."""

    median_us: int
    p95_us: int
    max_us: int


class Standstill(NamedTuple):
    """Where the RTP clock stood still, or leapt."""

    host_us: int
    """When it went on, Unix microseconds."""
    length_us: int
    """For how long it stood still; negative of a clock that leapt ahead."""


class Fit(NamedTuple):
    """How a clock was found, and how sure it is."""

    basis: str
    """`abs_capture_time`, `sender_reports` or `arrival`: what tells the stream from others."""
    drift_ppm: float = 0.0
    """By how much the RTP clock is fast, beside the host's."""
    lag_us: int = 0
    """How much later than captured its packets come at best, beyond the time they take to fill."""
    reports: int = 0
    """Sender reports, or packets with a capture time, that the line follows."""
    ignored: Mapping[str, int] = MappingProxyType({})
    """How many more were heard, by why they were not followed: `no_clock`, `superseded`,
    `stray` (of another RTP clock, or said in a mute), `outlier`, or a problem of `senders.Lag`."""
    report_residual: Spread | None = None
    """Of the reports from the line; None without any."""
    arrival_residual: Spread = Spread(0, 0, 0)
    """Of the least delay of each second, from the floor of delays."""
    standstills: tuple[Standstill, ...] = ()
    sender_clock_us: int | None = None
    """By how much the sender's wall clock is ahead of the host's; None where it is unknown."""
    uncertainty_us: int = 0
    """How far the capture may lie from where it is placed, but for the delay of the path."""


class Clock:
    """Places the RTP timestamps of one stream on the SFU host's clock."""

    def __init__(self, clock_rate: int, parts: Sequence[Part], fit: Fit) -> None:
        self.clock_rate = clock_rate
        self.fit = fit
        self._line = BrokenLine(clock_rate, parts)

    @property
    def basis(self) -> str:
        """What the line was made of: see `Fit`."""
        return self.fit.basis

    def host_us(self, timestamp: NDArray[np.int64]) -> NDArray[np.int64]:
        """Unix microseconds of unwrapped RTP timestamps."""
        return self._line.host_us(timestamp)

    def host_us_at(self, timestamp: int) -> int:
        """Unix microseconds of one unwrapped RTP timestamp."""
        return int(self.host_us(np.array([timestamp], np.int64))[0])


def fit_clocks(streams: Sequence[ClockObservations], fill_us: Sequence[int]) -> list[Clock]:
    """Fit the clocks of all streams of one participant session together.

    Args:
        streams: what was seen of each; every one has had packets.
        fill_us: how long at least each stream's packets wait for their last sample after the
            first one was taken: sound waits until a packet is full, half of it in browsers,
            pictures do not wait.
    """
    seen = [_Seen(each) for each in streams]
    lags = find_lags([each.heard(fill) for each, fill in zip(seen, fill_us, strict=True)])
    return [each.clock(lag, fill) for each, lag, fill in zip(seen, lags, fill_us, strict=True)]


class _Seen:
    """What is known of one stream before it is compared with others."""

    def __init__(self, stream: ClockObservations) -> None:
        self._arrivals = Arrivals(stream)
        self._reports, stray = self._arrivals.tie_reports(stream)
        captured = self._arrivals.tie_capture_times(stream)
        self._exact = bool(len(captured.host_us))
        self._told = captured if self._exact else self._reports
        superseded = len(self._reports.host_us) if self._exact else 0
        self._ignored = {"no_clock": stream.without_clock, "stray": stray, "superseded": superseded}

    def heard(self, fill_us: int) -> Heard:
        """What was said of the stream, to compare with others of the sender."""
        reports = self._reports
        return Heard(
            part=self._told.part,
            timestamp=self._told.timestamp,
            host_us=self._told.host_us,
            floor_us=self._told.floor_us,
            distance_us=self._told.distance_us,
            report_host_us=reports.host_us,
            report_distance_us=reports.distance_us - reports.floor_us + reports.delay_us,
            lead_us=reports.floor_us - reports.delay_us,
            fill_us=fill_us,
            exact=self._exact,
        )

    def clock(self, lag: Lag, fill_us: int) -> Clock:
        """The clock, the lag of the stream being known."""
        arrivals, parts = self._arrivals, []
        edges = np.searchsorted(lag.part, np.arange(len(arrivals.parts) + 1)).tolist()
        for i, part in enumerate(arrivals.parts):
            parts.append(part._replace(offset_us=_placed(part, lag, edges[i], edges[i + 1])))
        return Clock(arrivals.clock_rate, parts, self._fit(lag, fill_us, parts))

    def _fit(self, lag: Lag, fill_us: int, parts: Sequence[Part]) -> Fit:
        arrivals, followed = self._arrivals, np.abs(lag.residual_us) <= OUTLIER_US
        used = int(np.count_nonzero(followed))
        ignored = self._ignored | {"outlier": len(followed) - used}
        if lag.problem is not None:
            ignored[lag.problem] = len(self._told.host_us)
        delays = arrivals.delays
        above_us = delays.delay_us - arrivals.line.offset_us(delays.timestamp)
        certain = len(lag.part) > 0
        report_residual = _spread(lag.residual_us[followed]) if used else None
        arrival_residual = _spread(above_us)
        uncertainty_us = report_residual.p95_us if report_residual else fill_us
        return Fit(
            basis=("abs_capture_time" if self._exact else "sender_reports")
            if certain
            else "arrival",
            drift_ppm=arrivals.drift_ppm,
            lag_us=lag.usual_us - fill_us,
            reports=used,
            ignored={why: count for why, count in ignored.items() if count},
            report_residual=report_residual,
            arrival_residual=arrival_residual,
            standstills=_standstills(arrivals, parts),
            sender_clock_us=_sender_clock(self._told, lag) if certain else None,
            uncertainty_us=uncertainty_us + (0 if certain else arrival_residual.median_us),
        )


def _placed(part: Part, lag: Lag, first: int, end: int) -> NDArray[np.int64]:
    """The offset of a part at its knots.

    Between reports it is theirs; before the first and after the last it is the floor of arrivals
    less the lag there. A part without reports has the lag of its neighbors, between them.
    """
    if not len(lag.part):
        return part.offset_us - lag.usual_us
    if first == end:
        return part.offset_us - int(median(lag.lag_us[max(first - 1, 0) : end + 1]))
    reported, offset_us = lag.timestamp[first:end], lag.offset_us[first:end]
    bend = np.interp(part.knots - reported[0], reported - reported[0], offset_us - offset_us[0])
    placed: NDArray[np.int64] = offset_us[0] + np.rint(bend).astype(np.int64)
    before = part.offset_us - lag.lag_us[first]
    after = part.offset_us - lag.lag_us[end - 1]
    placed = np.where(part.knots < reported[0], before, placed)
    placed = np.where(part.knots > reported[-1], after, placed)
    return placed


def _spread(distance_us: NDArray[np.int64]) -> Spread:
    distance_us = np.abs(distance_us)
    return Spread(*(round(quantile(distance_us, fraction)) for fraction in (0.5, 0.95, 1.0)))


def _standstills(arrivals: Arrivals, parts: Sequence[Part]) -> tuple[Standstill, ...]:
    if len(parts) == 1:
        return ()
    starts = np.array([part.start for part in parts[1:]], np.int64)
    before = np.arange(len(starts))
    line = BrokenLine(arrivals.clock_rate, parts)
    offset_us = line.offset_us(starts)
    length_us = offset_us - line.offset_us(starts, before)
    host_us = line.host_us(starts)
    return tuple(
        Standstill(*each) for each in zip(host_us.tolist(), length_us.tolist(), strict=True)
    )


def _sender_clock(told: Tied, lag: Lag) -> int:
    """The median of what the sender's clock shows, less what the host's does."""
    return lag.usual_us - int(median(told.distance_us))
