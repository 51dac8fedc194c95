"""What is seen of a stream's clock: when its packets arrived, and what the sender said of it.

The delay of a packet is its arrival on the SFU host's clock minus its RTP time. Delays have a
floor (the path without queues) and noise above it, so what is kept is the least delay of each
second, and another row where a packet comes much later than the one before it: the RTP clock may
have stood still between them (Chromium's does while it is silent; capture.md, section 4).
"""

from __future__ import annotations

from array import array
from math import gcd
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.media.streams import StreamPackets, StreamReport
from isotrack.rtp.rtcp import unix_us_from_ntp

BAND_US = 40_000
"""A packet that comes later by more than this after its predecessor begins a row of its own."""

SET_BACK_US = 20_000
"""Arrivals that run back by more are those of a host whose clock was set back."""

WILD_S = 10
"""A packet that far ahead of one that comes after it bears a wrong timestamp."""

_PENDING = 128  # chunks whose rows are kept apart, before they are joined
_LARGE = 1000  # what more is multiplied with may be too much for 64 bits


def ticks_to_us(ticks: NDArray[np.int64] | int, clock_rate: int) -> NDArray[np.int64]:
    """RTP ticks as microseconds, rounded down, without overflow for centuries of media."""
    ticks = np.asarray(ticks, np.int64)
    shared = gcd(1_000_000, clock_rate)
    if 1_000_000 // shared <= _LARGE:  # of all clocks but those that are odd
        short: NDArray[np.int64] = ticks * (1_000_000 // shared) // (clock_rate // shared)
        return short
    seconds = ticks // clock_rate
    rest = ticks - seconds * clock_rate
    microseconds: NDArray[np.int64] = seconds * 1_000_000 + rest * 1_000_000 // clock_rate
    return microseconds


class Delays(NamedTuple):
    """The least delay of each second of RTP time: columns in order of arrival."""

    arrival_us: NDArray[np.int64]
    """When the first packet came that is counted in."""
    timestamp: NDArray[np.int64]
    """Its RTP timestamp, never less than that of the row before."""
    previous: NDArray[np.int64]
    """The RTP timestamp of the packet before it; of the first one its own."""
    delay_us: NDArray[np.int64]
    era: NDArray[np.int64]
    """How often the host's clock had been set back by then."""


class Reports(NamedTuple):
    """What the sender said of its clock: columns, by RTP time."""

    timestamp: NDArray[np.int64]
    ntp_us: NDArray[np.int64]
    """The sender's wall clock, Unix microseconds if it is right (it seldom is)."""
    arrival_us: NDArray[np.int64]
    """When the report came."""
    era: NDArray[np.int64]
    """How often the host's clock had been set back by then."""


class CaptureTimes(NamedTuple):
    """When samples were captured (abs-capture-time): columns, by RTP time."""

    timestamp: NDArray[np.int64]
    capture_us: NDArray[np.int64]
    """By the sender's wall clock."""


class ClockObservations:
    """Collects what the packets of one stream tell about its clock; a few bytes per second."""

    def __init__(self, clock_rate: int) -> None:
        self.clock_rate = clock_rate
        self.without_clock = 0
        """Reports of a sender that has no wall clock: their NTP time is 0 (edge case 184)."""
        self._newest = 0
        self._arrival_us: int | None = None
        self._delay_us = 0
        self._era = 0
        self._rows: list[NDArray[np.int64]] = []
        self._reports = array("q")
        self._captured: list[NDArray[np.int64]] = []

    def add_packets(self, arrived: StreamPackets) -> None:
        """Note when packets came.

        Padding is passed over, for it may bear any timestamp; so is what repair restored, for it
        did not come when it was sent; and so is what comes behind a newer frame: it was late.
        """
        timestamp, arrival_us = arrived.timestamp, arrived.packets.arrival_us
        if not arrived.plain:
            counted = (arrived.packets.payload_length > 0) & ~arrived.packets.restored
            if np.count_nonzero(counted) < len(counted):
                timestamp, arrival_us = timestamp[counted], arrival_us[counted]
        if not len(timestamp):
            return
        if timestamp[0] < self._newest or np.count_nonzero(timestamp[1:] < timestamp[:-1]):
            ahead = self._ahead(timestamp)
            timestamp, arrival_us = timestamp[ahead], arrival_us[ahead]
        if len(timestamp):
            self._note(timestamp, arrival_us)

    def add_report(self, report: StreamReport, arrival_us: int) -> None:
        """Note a sender report (RFC 3550, section 6.4.1) and when it came."""
        if report.ntp:
            ntp_us = unix_us_from_ntp(report.ntp)
            self._reports.extend((report.timestamp, ntp_us, arrival_us, self._era))
        else:
            self.without_clock += 1

    def add_capture_times(
        self, timestamp: NDArray[np.int64], capture_us: NDArray[np.int64]
    ) -> None:
        """Note when packets say they were captured (`rtp.absolute_capture_time`).

        Args:
            timestamp: unwrapped RTP timestamps of the packets that say so.
            capture_us: by the sender's wall clock, Unix microseconds.
        """
        if not len(timestamp):
            return
        second = timestamp // self.clock_rate  # one of a second is enough
        first = np.flatnonzero(np.diff(second, prepend=second[0] - 1))
        self._captured.append(np.stack((timestamp[first], capture_us[first])))
        self._captured = _joined(self._captured, axis=1)

    @property
    def set_back(self) -> int:
        """How often the host's clock was set back while packets came."""
        return self._era

    def forget(self) -> None:
        """Keep nothing but counts, once a clock was made of it: of a day these are megabytes."""
        self._rows, self._captured, self._reports = [], [], array("q")

    def delays(self) -> Delays:
        """All delays; there has been a packet. They are not to be changed."""
        self._rows = [np.concatenate(self._rows, axis=1)]
        return Delays(*self._rows[0])

    def reports(self) -> Reports:
        """All sender reports that name a time, each once, by RTP time."""
        table = np.array(self._reports, np.int64).reshape(-1, 4)
        order = np.lexsort((table[:, 2], table[:, 1], table[:, 0]))
        table = table[order]
        fresh = np.ones(len(table), np.bool_)
        fresh[1:] = (np.diff(table[:, :2], axis=0) != 0).any(axis=1)
        return Reports(*table[fresh].T)

    def capture_times(self) -> CaptureTimes:
        """The capture times noted, at most some of each second, by RTP time."""
        empty = np.zeros((2, 0), np.int64)
        table = np.concatenate([empty, *self._captured], axis=1)
        return CaptureTimes(*table[:, np.argsort(table[0], kind="stable")])

    def _ahead(self, timestamp: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which packets are not behind a newer one, but for those whose timestamp is wild."""
        to_come = np.minimum.accumulate(timestamp[::-1])[::-1]
        wild = timestamp > to_come + WILD_S * self.clock_rate
        if 2 * np.count_nonzero(wild) > len(timestamp):
            wild[:] = False  # it is the late ones that are few
        sound = np.where(wild, self._newest, timestamp)
        ahead: NDArray[np.bool_] = timestamp >= np.maximum.accumulate(
            np.maximum(sound, self._newest)
        )
        return ahead & ~wild

    def _note(self, timestamp: NDArray[np.int64], arrival_us: NDArray[np.int64]) -> None:
        """Take in packets in order of RTP time."""
        delay_us = arrival_us - ticks_to_us(timestamp, self.clock_rate)
        steps_us = arrival_us[1:] - arrival_us[:-1]
        back = self._set_back(int(arrival_us[0]), steps_us)
        begins = self._begins(timestamp, delay_us, steps_us, back)
        self._merge(delay_us[: begins[0] if len(begins) else len(delay_us)])
        if len(begins):
            if not self._rows:
                self._newest = int(timestamp[0])
            previous = timestamp[begins - 1]
            if begins[0] == 0:
                previous[0] = self._newest
            least = np.minimum.reduceat(delay_us, begins)
            era = self._era + back.searchsorted(begins, side="right")
            columns = arrival_us[begins], timestamp[begins], previous, least, era
            self._rows = _joined([*self._rows, np.array(columns)], axis=1)
        self._era += len(back)
        self._newest, self._delay_us = int(timestamp[-1]), int(delay_us[-1])
        self._arrival_us = int(arrival_us[-1])

    def _begins(
        self,
        timestamp: NDArray[np.int64],
        delay_us: NDArray[np.int64],
        steps_us: NDArray[np.int64],
        back: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """The packets that begin a row: the first of a second, much later ones, those set back."""
        second = timestamp // self.clock_rate
        begins_row = np.empty(len(timestamp), np.bool_)
        begins_row[0] = not self._rows or (
            second[0] != self._newest // self.clock_rate or delay_us[0] - self._delay_us > BAND_US
        )
        np.not_equal(second[1:], second[:-1], out=begins_row[1:])
        # RTP time does not go back here: only what comes late can have a longer delay.
        late = (steps_us > BAND_US).nonzero()[0]
        begins_row[late[delay_us[late + 1] - delay_us[late] > BAND_US] + 1] = True
        begins_row[back] = True
        return begins_row.nonzero()[0]

    def _set_back(self, first_us: int, steps_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """The packets before which the host's clock was set back."""
        back = (steps_us < -SET_BACK_US).nonzero()[0] + 1
        if self._arrival_us is not None and first_us < self._arrival_us - SET_BACK_US:
            back = np.concatenate(([0], back))
        return back

    def _merge(self, delay_us: NDArray[np.int64]) -> None:
        """Count further packets in to the last row."""
        if len(delay_us):
            last = self._rows[-1]
            last[3, -1] = min(int(last[3, -1]), int(delay_us.min()))


def _joined(blocks: list[NDArray[np.int64]], axis: int) -> list[NDArray[np.int64]]:
    """The same blocks, the small ones in one: an array is larger than what a chunk puts in it."""
    if len(blocks) <= _PENDING:
        return blocks
    return [np.concatenate(blocks, axis=axis)]
