"""How much a stream sent in each second: what is alive when, and bitrate over time."""

from __future__ import annotations

from array import array
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.media.ranks import distinct
from isotrack.rtp.packet import Packets

SECOND_US = 1_000_000
_LONG_S = 3600  # no chunk is that long


class BytesBySecond(NamedTuple):
    """Columns, a row for each second in which something came, by time."""

    second: NDArray[np.int64]
    """Unix time."""
    size: NDArray[np.int64]
    """Bytes."""


class Activity:
    """Bytes of payload by second of arrival; sixteen bytes of memory per second."""

    def __init__(self) -> None:
        self._seconds, self._sizes = array("q"), array("q")
        self.first_us: int | None = None
        self.last_us = 0

    def add(self, packets: Packets) -> None:
        """Count packets in, at least one."""
        arrival, length = packets.arrival_us, packets.payload_length
        if np.count_nonzero(arrival[1:] < arrival[:-1]):
            order = arrival.argsort()
            arrival, length = arrival[order], length[order]
        first, last = int(arrival[0]), int(arrival[-1])
        self.first_us = first if self.first_us is None else min(self.first_us, first)
        self.last_us = max(self.last_us, last)
        if last - first > _LONG_S * SECOND_US:  # a clock that was set, or nonsense
            seconds = distinct(arrival // SECOND_US)
        else:
            seconds = np.arange(first // SECOND_US, last // SECOND_US + 1)
        begins = arrival.searchsorted(seconds * SECOND_US)
        came = np.concatenate((begins[1:] > begins[:-1], [True]))
        seconds, size = seconds[came], np.add.reduceat(length, begins[came])
        filled = size.nonzero()[0]
        self._extend(seconds[filled].tolist(), size[filled].tolist())

    def by_second(self) -> BytesBySecond:
        """All that came, those seconds left out in which nothing did."""
        seconds, place = np.unique(np.array(self._seconds, np.int64), return_inverse=True)
        size = np.zeros(len(seconds), np.int64)
        np.add.at(size, place, np.array(self._sizes, np.int64))
        return BytesBySecond(seconds, size)

    def _extend(self, seconds: list[int], sizes: list[int]) -> None:
        """Append rows; a second that goes on over the end of a chunk is one."""
        if self._seconds and seconds and seconds[0] == self._seconds[-1]:
            self._sizes[-1] += sizes[0]
            seconds, sizes = seconds[1:], sizes[1:]
        self._seconds.extend(seconds)
        self._sizes.extend(sizes)
