"""pcap, the file format of tcpdump (draft-ietf-opsawg-pcap), read piece by piece.

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |   magic: 0xA1B2C3D4 (microseconds), 0xA1B23C4D (nanoseconds)  |
    |         major version         |         minor version         |
    |                      reserved, 8 bytes                      ...
    |                            snaplen                            |
    |  FCS  |                link type: its low 16 bits             |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    then records: seconds u32 | fraction u32 | captured length u32 | original length u32 | frame

All numbers are in the byte order of the machine that wrote them; the magic shows which.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator

from isotrack.rtp.datagrams import CaptureError, Datagrams, Flow, no_datagrams
from isotrack.rtp.network import FrameRow, Network

MAGIC = {0xA1B2C3D4: 1, 0xA1B23C4D: 1000}
"""The magic numbers, and how many units of a record's fraction make a microsecond."""

MAX_FRAME = 1 << 20
"""No frame is longer: a record that says so is damage."""

_FILE_HEADER = 24


class PcapReader:
    """Reads a pcap file."""

    form = "pcap"
    arrivals_made = False

    def __init__(self) -> None:
        self._network = Network()
        self._rest = b""
        self._record: struct.Struct | None = None
        self._per_us = 1
        self._link_type = 0
        self._ended = False

    @property
    def flows(self) -> list[Flow]:
        """All flows met so far."""
        return self._network.flows

    @property
    def skipped(self) -> Counter[str]:
        """What was passed over so far, by reason."""
        return self._network.skipped

    def feed(self, data: bytes) -> Datagrams:
        """The datagrams of the records that are whole with these further bytes."""
        data = self._rest + data
        at = 0
        if self._record is None:
            if len(data) < _FILE_HEADER:
                self._rest = data
                return no_datagrams()
            self._read_header(data)
            at = _FILE_HEADER
        rows = [] if self._ended else list(self._records(data, at))
        if rows:
            at = rows[-1].offset + rows[-1].length
        self._rest = b"" if self._ended else data[at:]
        return self._network.read(data, rows)

    def finish(self) -> Datagrams:
        """Nothing more: what is left is a torn record."""
        if self._record is None:
            raise CaptureError(f"pcap ends inside its file header, after {len(self._rest)} bytes")
        if self._rest:
            self.skipped["torn"] += 1
        return no_datagrams()

    def _read_header(self, data: bytes) -> None:
        order = "<" if int.from_bytes(data[:4], "little") in MAGIC else ">"
        magic, major, _, _, _, _, link_type = struct.unpack_from(f"{order}IHHIIII", data)
        if magic not in MAGIC:
            raise CaptureError(f"pcap begins with {magic:#010x}, not with its magic number")
        if major != 2:
            raise CaptureError(f"pcap is of version {major}, not 2")
        self._per_us = MAGIC[magic]
        self._link_type = link_type & 0xFFFF
        self._record = struct.Struct(f"{order}IIII")

    def _records(self, data: bytes, at: int) -> Iterator[FrameRow]:
        """The frames of the records that are whole."""
        assert self._record is not None
        unpack, size = self._record.unpack_from, self._record.size
        link_type, per_us, end = self._link_type, self._per_us, len(data)
        while at + size <= end:
            seconds, fraction, captured, original = unpack(data, at)
            at += size
            if captured > MAX_FRAME:
                self.skipped["torn"] += 1
                self._ended = True
                return
            if at + captured > end:
                return
            arrival_us = seconds * 1_000_000 + fraction // per_us
            yield FrameRow(at, captured, arrival_us, link_type, original > captured)
            at += captured
