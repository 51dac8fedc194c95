"""How much later than they were captured the packets of a sender's streams come, at best.

That lag is the path's delay, which is left out of account, for nobody can know it, and what comes
before: audio waits until a packet is full, video is encoded. Two things tell it:

- A sender report is a packet that waits for nothing: it names the RTP time at which it is sent. So
  by how much the packets of its stream come later than reports do is the lag of the stream.
- The wall clock in reports (and in abs-capture-time) tells the streams of one sender apart to the
  millisecond, though it may be wrong by years and be set at any time; the clocks of two senders
  are never compared. The line from it to the host's clock is stiff: no queue bends it.

Some SFUs make reports of their own from the arrival of packets: those of sound then know of no
wait at all, which is how they are found out.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.media.floors import rise, running_median, slopes, stiff_floor, window_minima
from isotrack.media.ranks import distinct, median, quantile

SET_ANEW_US = 250_000
"""A sender's clock that is further off than before, and stays so, was set."""

CONTRADICTION_US = 100_000
"""Reports that put tracks of one sender further apart than their arrivals are wrong."""

LONGEST_QUEUE_US = 120_000_000
"""A sender's clock that seems set back and forth within this time was not: there was a queue."""

LONGEST_LAG_US = 150_000
"""No encoder takes longer, and none is done before it begins: other reports are not of now."""

STIFFNESS = 50e-6
"""How much faster or slower than usual one clock may run beside another for a while."""

MAX_ERAS = 100
"""A clock that is set more often is none."""

_EARLY_US = 20_000  # what noise may make a lag less than nothing
_ENOUGH = 2  # reports of sound, to tell whether they know of the time a packet takes to fill
_SMOOTH = 7  # reports: senders round what they put in them to the blocks they capture
_DRIFT_US, _DRIFT_REPORTS = 60_000_000, 4  # over less, two noisy reports may show any drift


class Heard(NamedTuple):
    """What a sender said of one stream: columns, by part and RTP time."""

    part: NDArray[np.int64]
    """The stretch of the stream it is of, in order."""
    timestamp: NDArray[np.int64]
    host_us: NDArray[np.int64]
    """When it was said, give or take the path."""
    floor_us: NDArray[np.int64]
    """The floor of the stream's arrivals there: host time minus RTP time."""
    distance_us: NDArray[np.int64]
    """Host's clock, by that floor, minus the sender's clock."""
    report_host_us: NDArray[np.int64]
    report_distance_us: NDArray[np.int64]
    """Host's clock minus the sender's clock as its reports came."""
    lead_us: NDArray[np.int64]
    """How much earlier than the floor of the packets its reports came."""
    fill_us: int
    """The least time a packet of it takes to fill."""
    exact: bool
    """Its packets said so themselves: an SFU's own reports have no part in it."""


class Lag(NamedTuple):
    """How much later than captured the floor of a stream's arrivals is, and how that is known."""

    part: NDArray[np.int64]
    """The stretches of the stream in which it is known; none without reports to be trusted."""
    timestamp: NDArray[np.int64]
    """The RTP times at which it is known."""
    offset_us: NDArray[np.int64]
    """Host time minus RTP time there: the floor less the lag."""
    lag_us: NDArray[np.int64]
    """At these times."""
    residual_us: NDArray[np.int64]
    """How far each report is from the line through all."""
    usual_us: int
    """Where no time of its own is known: measured, or the least time a packet takes to fill."""
    problem: str | None
    """Why what was heard is not used: `made_from_arrival`, `contradicts_arrival`,
    `contradicts_other_track`; None if it is, or nothing was heard."""


def find_lags(streams: Sequence[Heard]) -> list[Lag]:
    """The lag of each stream of one sender."""
    leads = [_lead(each) for each in streams]
    problems: list[str | None] = [None] * len(streams)
    if _made_from_arrival(streams, leads):
        problems = [None if each.exact else "made_from_arrival" for each in streams]
        leads = [None] * len(streams)
    odd = [
        lead is not None and not -_EARLY_US <= lead <= each.fill_us + LONGEST_LAG_US
        for lead, each in zip(leads, streams, strict=True)
    ]
    if all(odd[i] for i, lead in enumerate(leads) if lead is not None):
        leads = [None] * len(streams)  # all come late: when they do tells nothing
    else:
        leads = [None if odd[i] else lead for i, lead in enumerate(leads)]
        problems = ["contradicts_arrival" if odd[i] else each for i, each in enumerate(problems)]
    chosen = [i for i, each in enumerate(streams) if len(each.host_us) and problems[i] is None]
    points = dict(zip(chosen, _compare([(streams[i], leads[i]) for i in chosen]), strict=True))
    return [
        _lag(each, lead, points.get(i), problem)
        for i, (each, lead, problem) in enumerate(zip(streams, leads, problems, strict=True))
    ]


class _Points(NamedTuple):
    """What the sender's clock tells of one stream's lag."""

    part: NDArray[np.int64]
    timestamp: NDArray[np.int64]
    offset_us: NDArray[np.int64]
    lag_us: NDArray[np.int64]
    residual_us: NDArray[np.int64]


def _lag(heard: Heard, lead: int | None, points: _Points | None, problem: str | None) -> Lag:
    if points is not None and len(points.part):
        return Lag(*points, int(median(points.lag_us)), problem)
    if points is not None:
        problem = "contradicts_other_track"
    empty = np.zeros(0, np.int64)
    return Lag(
        empty, empty, empty, empty, empty, heard.fill_us if lead is None else max(lead, 0), problem
    )


def _lead(heard: Heard) -> int | None:
    """By how much the reports that were least held up come before the packets."""
    if not len(heard.lead_us):
        return None
    return int(quantile(heard.lead_us, 0.9))


def _made_from_arrival(streams: Sequence[Heard], leads: Sequence[int | None]) -> bool:
    """Whether reports of sound take the arrival of a packet for the capture of its beginning."""
    of_sound = [
        lead is not None and -_EARLY_US <= lead < each.fill_us / 4
        for each, lead in zip(streams, leads, strict=True)
        if each.fill_us and len(each.lead_us) >= _ENOUGH
    ]
    return bool(of_sound) and all(of_sound)


def _compare(streams: Sequence[tuple[Heard, int | None]]) -> list[_Points]:
    """The lags by the sender's clock, from one setting of it to the next."""
    if not streams:
        return []
    cuts = [_set_anew(heard.host_us, heard.distance_us) for heard, _ in streams]
    eras = distinct(np.concatenate(cuts))
    found: list[list[_Points]] = [[] for _ in streams]
    if len(eras) < MAX_ERAS:
        edges = [np.iinfo(np.int64).min, *eras.tolist(), np.iinfo(np.int64).max]
        for start, end in itertools.pairwise(edges):
            parts = [_within(*each, start, end) for each in streams]
            for points, more in zip(found, _compare_era(parts), strict=True):
                points.append(more)
    return [_sorted([_nothing(), *each]) for each in found]


def _sorted(found: Sequence[_Points]) -> _Points:
    """The points of all eras, by part and RTP time."""
    columns = [np.concatenate(column) for column in zip(*found, strict=True)]
    order = np.lexsort((columns[1], columns[0]))
    return _Points(*(column[order] for column in columns))


def _nothing() -> _Points:
    empty = np.zeros(0, np.int64)
    return _Points(empty, empty, empty, empty, empty)


class _Part(NamedTuple):
    """What was heard of one stream while the sender's clock was not set."""

    run: NDArray[np.int64]
    timestamp: NDArray[np.int64]
    at: NDArray[np.int64]
    floor: NDArray[np.int64]
    distance: NDArray[np.int64]
    report_at: NDArray[np.int64]
    report_distance: NDArray[np.int64]
    fill: int


def _within(heard: Heard, lead: int | None, start: int, end: int) -> _Part:
    """A stretch of what was heard; without the arrivals of reports where they tell nothing."""
    said = (heard.host_us >= start) & (heard.host_us < end)
    came = heard.report_host_us
    chosen = (came >= start) & (came < end) & (lead is not None)
    return _Part(
        heard.part[said],
        heard.timestamp[said],
        heard.host_us[said],
        heard.floor_us[said],
        heard.distance_us[said],
        came[chosen],
        heard.report_distance_us[chosen],
        heard.fill_us,
    )


def _compare_era(parts: Sequence[_Part]) -> list[_Points]:
    """The lags of streams above one line from the sender's clock to the host's."""
    richest = max(parts, key=lambda part: len(part.at))
    if not len(richest.at):
        return [_nothing() for _ in parts]
    drift, origin = 0.0, int(richest.at[0])
    if len(richest.at) >= _DRIFT_REPORTS and np.ptp(richest.at) >= _DRIFT_US:
        order = np.argsort(richest.at, kind="stable")
        drift = median(slopes(richest.at[order], richest.distance[order]))
    # The sender's clock minus RTP time: it knows of no queue, and only noise to be smoothed.
    ahead = [part.floor - part.distance for part in parts]
    middle = [
        running_median(each, _SMOOTH, part.run) for each, part in zip(ahead, parts, strict=True)
    ]
    smooth = [
        part.floor - each - rise(drift, part.at, origin)
        for each, part in zip(middle, parts, strict=True)
    ]
    at = np.concatenate([part.at for part in parts] + [part.report_at for part in parts])
    above = [each - part.fill for each, part in zip(smooth, parts, strict=True)]
    above += [part.report_distance - rise(drift, part.report_at, origin) for part in parts]
    order = np.argsort(at, kind="stable")
    floor = np.empty(len(at), np.int64)
    floor[order] = stiff_floor(at[order], np.concatenate(above)[order], STIFFNESS)
    floors = np.split(floor, np.cumsum([len(part.at) for part in parts]))
    lags = [each - under for each, under in zip(smooth, floors, strict=False)]
    lag_beyond_fill = [
        int(median(lag)) - part.fill for lag, part in zip(lags, parts, strict=True) if len(lag)
    ]
    if max(lag_beyond_fill) > CONTRADICTION_US:
        return [_nothing() for _ in parts]
    return [
        _Points(part.run, part.timestamp, part.floor - lag, lag, each - center)
        for part, lag, each, center in zip(parts, lags, ahead, middle, strict=True)
    ]


def _set_anew(host_us: NDArray[np.int64], distance_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """When the sender's clock was set: distances before and after that are far apart.

    A distance that is greater for a while and then as it was is that of a queue.
    """
    if len(host_us) < 2:
        return np.zeros(0, np.int64)
    order = np.argsort(host_us, kind="stable")
    host_us, distance_us = host_us[order], distance_us[order]
    eroded = window_minima(host_us, distance_us, host_us, LONGEST_QUEUE_US // 2)
    distance_us = -window_minima(host_us, -eroded, host_us, LONGEST_QUEUE_US // 2)
    padded = np.pad(distance_us, 3, mode="edge")
    medians = np.sort(np.lib.stride_tricks.sliding_window_view(padded, 3), axis=1)[:, 1]
    before, after = medians[1:-4], medians[4:-1]  # of the three rows before row 1.., and from it on
    suspect = np.flatnonzero(np.abs(after - before) > SET_ANEW_US)
    if not len(suspect):
        return np.zeros(0, np.int64)
    # Some rows around a jump see it: it is where neighbors are furthest apart.
    jump = np.abs(np.diff(distance_us))
    groups = np.split(suspect, np.flatnonzero(np.diff(suspect) > 1) + 1)
    return np.array([host_us[group[np.argmax(jump[group])] + 1] for group in groups], np.int64)
