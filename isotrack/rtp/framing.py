"""RTP and RTCP framed in a byte stream (RFC 4571 section 2): a length in 16 bits, then a packet.

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |            length             |  RTP or RTCP packet         ...
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

Nothing else is in it, no arrivals either: they are made from RTP time (`pacing`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from isotrack.rtp.datagrams import NO_ADDRESS, CaptureError, Datagrams, Flow, datagrams
from isotrack.rtp.demultiplex import looks_like_rtcp, looks_like_rtp
from isotrack.rtp.pacing import LOOK_AHEAD, Pacer

_PROBED = 3
"""Packets in a row that must look like media before a file counts as framed."""


def looks_framed(head: bytes) -> bool:
    """Whether a file that begins like that is framed media: it has no other mark."""
    at = 0
    for _ in range(_PROBED):
        size = int.from_bytes(head[at : at + 2], "big")
        packet = head[at + 2 : at + 2 + min(size, 12)]
        if not (looks_like_rtp(packet) or (size >= 4 and looks_like_rtcp(packet))):
            return at > 0 and at == len(head)
        at += 2 + size
    return True


class FramingReader:
    """Reads a file of framed packets.

    Args:
        start_us: arrival of the first packet where no sender report tells it, Unix microseconds.
        clock_rates: of payload types, as signaling said.
    """

    form = "rfc4571"
    arrivals_made = True

    def __init__(self, start_us: int, clock_rates: Mapping[int, int]) -> None:
        self.flows: list[Flow] = [NO_ADDRESS]
        self.skipped: Counter[str] = Counter()
        self._pacer = Pacer(start_us, clock_rates)
        self._rest = b""
        self._begun = False
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> Datagrams:
        """The packets that are whole with these further bytes."""
        self._pieces.append(data)
        if not self._begun and sum(map(len, self._pieces)) < LOOK_AHEAD:
            return datagrams(b"", (), self.skipped)
        return self._read()

    def finish(self) -> Datagrams:
        """The packets held back; what is left after them is torn."""
        last = self._read()
        if self._rest:
            self.skipped["torn"] += 1
        return last

    def _read(self) -> Datagrams:
        data = b"".join((self._rest, *self._pieces))
        self._pieces = []
        if not self._begun and data and not looks_framed(data):
            raise CaptureError("the file is not RTP framed as RFC 4571 has it")
        self._begun = True
        rows = []
        at, end = 0, len(data)
        while at + 2 <= end:
            begin = at + 2
            size = data[at] << 8 | data[at + 1]
            if begin + size > end:
                break
            rows.append((begin, size, 0, 0))
            at = begin + size
        self._rest = data[at:]
        return self._pacer.time(datagrams(data, rows, self.skipped))
