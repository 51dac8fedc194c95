"""A stream of media and what a FEC decoder recovers of it, for tests of either format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from isotrack.rtp.bit_strings import mutable_elements
from isotrack.rtp.dump import read_dump
from isotrack.rtp.fec import FecDecoder
from isotrack.rtp.fec_packets import FecReading
from isotrack.rtp.header import write_header
from isotrack.rtp.packet import Packets, read_packets
from tests.packets import START_US, write_records

MEDIA, FEC = 96, 120
SSRC, FEC_SSRC = 0x1111, 0x2222
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
VIDEO_TIMING = "http://www.webrtc.org/experiments/rtp-hdrext/video-timing"
EXTENSIONS = {TRANSPORT_CC: 5, VIDEO_TIMING: 6}

Read = Callable[[Packets, NDArray[np.int64]], FecReading]


def media(number: int, size: int = 0, *, first: bytes = b"") -> bytes:
    """A packet whose content tells it from all others."""
    random = np.random.default_rng(number)
    payload = first + random.integers(0, 256, size or 20 + number * 37 % 90, np.uint8).tobytes()
    return (
        write_header(MEDIA, number & 0xFFFF, 3000 * (number // 3), SSRC, number % 3 == 2) + payload
    )


class Receiver:
    """A decoder fed as a repairer feeds it."""

    def __init__(self, read: Read, *, fec_ssrc: int = SSRC) -> None:
        self.decoder = FecDecoder(SSRC, [MEDIA], mutable_elements(EXTENSIONS))
        self.packets: list[bytes] = []
        """What was recovered, header and all."""
        self.arrival_us: list[int] = []
        self.malformed = 0
        self.unsupported = 0
        self._read = read
        self._fec_ssrc = fec_ssrc
        self._count = 0

    def fec(self, payload: bytes) -> bytes:
        """A FEC packet of this payload."""
        self._count += 1
        return write_header(FEC, 40_000 + self._count, 1, self._fec_ssrc, False) + payload

    def push(
        self, datagrams: Sequence[bytes], *, at_us: int = START_US, again: Sequence[int] = ()
    ) -> Receiver:
        """Take in a chunk of packets a millisecond apart; those in `again` came by RTX."""
        arrival_us = [at_us + 1000 * i for i in range(len(datagrams))]
        packets, _ = read_packets(read_dump(write_records(datagrams, arrival_us=arrival_us)))
        packets.restored[list(again)] = True
        reading = self._read(packets, np.flatnonzero(packets.payload_type == FEC))
        self.malformed += reading.malformed
        self.unsupported += reading.unsupported
        found = self.decoder.push(packets, reading.fec.take(reading.fec.ssrc == SSRC))
        assert found.restored.all()
        assert (np.diff(found.payload_offset, prepend=0) >= 40).all()
        ends = [*found.packet_offset[1:].tolist(), found.buffer.size + 40]
        for begin, end in pairwise([*found.packet_offset[:1].tolist(), *ends]):
            self.packets.append(found.buffer[begin : end - 40].tobytes())
        self.arrival_us += found.arrival_us.tolist()
        return self

    def push_in(self, size: int, datagrams: Sequence[bytes]) -> Receiver:
        """Take in chunks of so many packets."""
        for at in range(0, len(datagrams), size):
            self.push(datagrams[at : at + size], at_us=START_US + 1000 * at)
        return self
