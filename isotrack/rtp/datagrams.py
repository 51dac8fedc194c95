"""What every reader of a capture gives: RTP and RTCP packets, the flow and the arrival of each.

What else goes over the ports of media (RFC 7983) is passed over and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from isotrack.rtp.demultiplex import NEITHER, RTCP, kinds

_OTHERS = ((0, 3, "stun"), (16, 19, "zrtp"), (20, 63, "dtls"), (64, 79, "turn"))
"""First byte of what shares ports with media, from and to (RFC 7983 section 7)."""


class CaptureError(ValueError):
    """The file is not a capture: its beginning cannot be read."""


class Flow(NamedTuple):
    """Where datagrams come from and go to: `10.0.0.1:5004`, `[2001:db8::1]:5004`, or empty.

    Formats that do not record addresses have one flow of two empty strings.
    """

    source: str
    destination: str
    transport: str = "udp"
    """`udp`, or `tcp` of packets that came framed in a byte stream (RFC 4571)."""

    def __str__(self) -> str:
        arrow = f"{self.source}->{self.destination}"
        return "" if arrow == "->" else arrow


NO_ADDRESS = Flow("", "")
"""The flow of a format that records none."""


class Datagrams(NamedTuple):
    """RTP and RTCP packets in the order they were captured, as columns over one buffer."""

    buffer: NDArray[np.uint8]
    """The bytes all offsets point into; not to be written to."""
    offset: NDArray[np.int64]
    """Where each datagram begins in the buffer."""
    length: NDArray[np.int64]
    """Bytes of each datagram."""
    arrival_us: NDArray[np.int64]
    """Arrival of each datagram, Unix time in microseconds."""
    flow: NDArray[np.int64]
    """Index of each datagram's flow in the reader's `flows`."""
    is_rtcp: NDArray[np.bool_]
    """True for RTCP, False for RTP."""

    @property
    def count(self) -> int:  # type: ignore[override]  # not tuple.count: these are columns
        """How many datagrams these are."""
        return self.offset.size


class CaptureReader(Protocol):
    """Reads a capture of one format, piece by piece; memory does not grow with the file."""

    form: str
    """`pcap`, `pcapng`, `rtpdump`, `mjr` or `rfc4571`."""
    arrivals_made: bool
    """The format records no arrivals: they were made from RTP time, at an assumed clock rate."""

    @property
    def flows(self) -> list[Flow]:
        """All flows met so far."""

    @property
    def skipped(self) -> Counter[str]:
        """What was passed over so far, by reason."""

    def feed(self, data: bytes) -> Datagrams:
        """The datagrams that are whole with these further bytes.

        Raises:
            CaptureError: the file does not begin as its format does. Damage further in is counted
                as `torn` and ends the reading.
        """

    def finish(self) -> Datagrams:
        """The datagrams left when the file is over."""


def select_media(
    buffer: NDArray[np.uint8],
    offset: NDArray[np.int64],
    length: NDArray[np.int64],
    skipped: Counter[str],
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The rows that are RTP or RTCP, and which of them are RTCP; the others are counted by name."""
    kind = kinds(buffer, offset, length)
    rows = np.flatnonzero(kind != NEITHER)
    others = np.flatnonzero((kind == NEITHER) & (length > 0))
    skipped["empty"] += kind.size - rows.size - others.size
    first = buffer[offset[others]]
    left = others.size
    for low, high, name in _OTHERS:
        count = int(((first >= low) & (first <= high)).sum())
        skipped[name] += count
        left -= count
    skipped["unknown"] += left
    return rows, kind[rows] == RTCP


def datagrams(
    buffer: bytes | NDArray[np.uint8],
    rows: Sequence[tuple[int, int, int, int]],
    skipped: Counter[str],
) -> Datagrams:
    """Columns of rows of offset, length, arrival in microseconds and flow."""
    table = np.array(rows, np.int64).reshape(-1, 4)
    array = np.frombuffer(buffer, np.uint8)
    media, is_rtcp = select_media(array, table[:, 0], table[:, 1], skipped)
    offset, length, arrival_us, flow = np.ascontiguousarray(table[media].T)
    return Datagrams(array, offset, length, arrival_us, flow, is_rtcp)


def no_datagrams() -> Datagrams:
    """None at all."""
    empty = np.zeros(0, np.int64)
    return Datagrams(np.zeros(0, np.uint8), empty, empty, empty, empty, np.zeros(0, np.bool_))
