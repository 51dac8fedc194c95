"""Absolute capture time: when a packet's first frame was captured, by the capturer's own clock.

http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time, 8 or 16 bytes:

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |          absolute capture timestamp (64 bits, NTP)            |
    |                                                               |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |  estimated capture clock offset (64 bits, Q32.32, optional)   |
    |                                                               |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

The offset is what a system on the way adds to the capturer's clock to have its own, by which its
sender reports go. One that is left out is as it was.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isotrack.rtp.gather import gather

URI = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"

_NTP_EPOCH_S = 2_208_988_800
_FRACTION = np.uint64(0xFFFF_FFFF)


class AbsoluteCaptureTimes:
    """Reads the capture times of one stream, packet by packet in the order of arrival."""

    def __init__(self) -> None:
        self._clock_offset_us = 0

    def read(
        self, buffer: NDArray[np.uint8], offset: NDArray[np.int64], length: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which packets name a capture time, and what it is, in Unix microseconds.

        It is of the clock of who sent the packets. A value of any other size than 8 or 16 bytes,
        or 0, is none.

        Args:
            buffer: what the offsets point into.
            offset: where each packet's element begins; -1 of a packet without one.
            length: its length in bytes.
        """
        rows = np.flatnonzero((offset >= 0) & ((length == 8) | (length == 16)))
        captured = gather(buffer, offset[rows], 8).view(">u8")[:, 0].astype(np.uint64)
        rows, captured = rows[captured != 0], captured[captured != 0]
        capture_us = _unix_us(captured)
        return rows, capture_us + self._offsets_us(buffer, offset[rows], length[rows])

    def _offsets_us(
        self, buffer: NDArray[np.uint8], offset: NDArray[np.int64], length: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """The clock offset of each packet, or of the last one before that named it."""
        told = np.flatnonzero(length == 16)
        estimate = gather(buffer, offset[told] + 8, 8).view(">u8")[:, 0].astype(np.uint64)
        seconds = (estimate >> np.uint64(32)).astype(np.uint32).view(np.int32).astype(np.int64)
        known = np.concatenate(([self._clock_offset_us], seconds * 1_000_000 + _fraction(estimate)))
        self._clock_offset_us = int(known[-1])
        newest = np.searchsorted(told, np.arange(len(offset)), side="right")
        offsets: NDArray[np.int64] = known[newest]
        return offsets


def _unix_us(ntp: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Unix microseconds of NTP times; a clear top bit is of the era from 2036 (RFC 4330, 3)."""
    seconds = (ntp >> np.uint64(32)).astype(np.int64)
    seconds += np.where(seconds < 1 << 31, 1 << 32, 0) - _NTP_EPOCH_S
    unix: NDArray[np.int64] = seconds * 1_000_000 + _fraction(ntp)
    return unix


def _fraction(fixed: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The 32 bits of fraction as microseconds, rounded."""
    part = (fixed & _FRACTION).astype(np.int64)
    return part * 1_000_000 + (1 << 31) >> 32
