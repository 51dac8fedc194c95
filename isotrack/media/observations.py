"""What is seen of a stream's clock: sender reports, and when its packets arrived.

The delay of a packet is its arrival on the SFU host's clock minus its RTP time. Delays have a
floor (the path without queues) and noise above it, so what is kept is the least delay of each
second, and of packets with quite another delay in that second theirs too: the RTP clock may have
stood still between them (Chromium's does while it is silent; capture.md, section 4).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.media.streams import StreamPackets, StreamReport
from isotrack.rtp.rtcp import unix_us_from_ntp

BAND_US = 100_000
"""Delays further apart than this are kept apart."""


def ticks_to_us(ticks: NDArray[np.int64] | int, clock_rate: int) -> NDArray[np.int64]:
    """RTP ticks as microseconds, rounded down, without overflow for centuries of media."""
    seconds, rest = np.divmod(np.asarray(ticks, np.int64), clock_rate)
    microseconds: NDArray[np.int64] = seconds * 1_000_000 + rest * 1_000_000 // clock_rate
    return microseconds


class Delays(NamedTuple):
    """The least delay of each second of RTP time, band by band: columns in order of arrival."""

    arrival_us: NDArray[np.int64]
    """When the first packet came that is counted in."""
    first: NDArray[np.int64]
    """The least RTP timestamp counted in."""
    delay_us: NDArray[np.int64]
    timestamp: NDArray[np.int64]
    """RTP timestamp of the packet that had this delay."""

    def take(self, selection: NDArray[np.integer]) -> Delays:
        """The rows of these numbers."""
        return Delays(*(column[selection] for column in self))


class Reports(NamedTuple):
    """Sender reports: columns."""

    timestamp: NDArray[np.int64]
    ntp_us: NDArray[np.int64]
    """The sender's wall clock, Unix microseconds if it is right (it seldom is)."""


class ClockObservations:
    """Collects what the packets of one stream tell about its clock; a few bytes per second."""

    def __init__(self, clock_rate: int) -> None:
        self.clock_rate = clock_rate
        self._newest = 0
        self._delays: list[Delays] = []
        self._reports: list[tuple[int, int]] = []

    def add_packets(self, arrived: StreamPackets) -> None:
        """Note when packets came.

        Padding is passed over, for it may bear any timestamp, and so is what comes behind a newer
        frame: it was late, or sent a second time.
        """
        timestamp = arrived.timestamp
        filled = arrived.packets.payload_length > 0
        newest = np.maximum.accumulate(np.where(filled, timestamp, self._newest))
        seen = np.flatnonzero(filled & (timestamp == np.maximum(newest, self._newest)))
        if len(seen):
            self._newest = int(newest[-1])
            timestamp, arrival = timestamp[seen], arrived.packets.arrival_us[seen]
            delay = arrival - ticks_to_us(timestamp, self.clock_rate)
            self._delays.append(self._least(Delays(arrival, timestamp, delay, timestamp)))

    def add_report(self, report: StreamReport) -> None:
        """Note a sender report (RFC 3550, section 6.4.1)."""
        self._reports.append((report.timestamp, unix_us_from_ntp(report.ntp)))

    def delays(self) -> Delays:
        """All delays; there has been a packet."""
        together = Delays(*(np.concatenate(column) for column in zip(*self._delays, strict=True)))
        least = self._least(together)
        return least.take(np.argsort(least.arrival_us, kind="stable"))

    def reports(self) -> Reports:
        """All sender reports, each once, by RTP time."""
        table = np.array(sorted(set(self._reports)), np.int64).reshape(-1, 2)
        return Reports(table[:, 0], table[:, 1])

    def _least(self, delays: Delays) -> Delays:
        """One row for each second and band."""
        second, band = delays.timestamp // self.clock_rate, delays.delay_us // BAND_US
        order = np.lexsort((delays.timestamp, delays.delay_us, band, second))
        arrival, first, delay, timestamp = (column[order] for column in delays)
        changes = (np.diff(second[order]) != 0) | (np.diff(band[order]) != 0)
        begins = np.concatenate(([0], np.flatnonzero(changes) + 1))
        return Delays(
            np.minimum.reduceat(arrival, begins),
            np.minimum.reduceat(first, begins),
            delay[begins],
            timestamp[begins],
        )
