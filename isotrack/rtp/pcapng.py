"""pcapng, the file format of Wireshark (draft-ietf-opsawg-pcapng), read piece by piece.

A file is sections, a section is blocks; its first block shows the byte order of all of them:

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |                          block type                           |
    |                      block total length                       |
    |                body, padded to 32 bits                      ...
    |                      block total length                       |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

Frames are in enhanced packet blocks, simple packet blocks (which bear no time: theirs is that of
the frame before) and obsolete packet blocks.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from isotrack.rtp.datagrams import CaptureError, Datagrams, Flow, no_datagrams
from isotrack.rtp.network import FrameRow, Network
from isotrack.rtp.pcap import MAX_FRAME

SECTION_HEADER = 0x0A0D0D0A
_INTERFACE, _OBSOLETE_PACKET, _SIMPLE_PACKET, _ENHANCED_PACKET = 1, 2, 3, 6
_READ = {SECTION_HEADER, _INTERFACE, _OBSOLETE_PACKET, _SIMPLE_PACKET, _ENHANCED_PACKET}
_BYTE_ORDER_MAGIC = 0x1A2B3C4D
_TIMESTAMP_RESOLUTION, _TIMESTAMP_OFFSET, _END_OF_OPTIONS = 9, 14, 0
_SMALLEST_BLOCK = 12
_MAX_INTERFACES = 4096


class _Interface(NamedTuple):
    """Where frames were captured, and what their times count."""

    link_type: int
    snaplen: int
    units_per_second: int
    offset_s: int


class PcapngReader:
    """Reads a pcapng file."""

    form = "pcapng"
    arrivals_made = False

    def __init__(self) -> None:
        self._network = Network()
        self._rest = b""
        self._skip = 0  # bytes of an uninteresting block that are still to come
        self._order = ""
        self._interfaces: list[_Interface] = []
        self._last_us = 0
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
        """The datagrams of the blocks that are whole with these further bytes."""
        passed = min(self._skip, len(data))
        self._skip -= passed
        data = self._rest + data[passed:]
        rows: list[FrameRow] = []
        at = 0
        while not self._ended and at + _SMALLEST_BLOCK <= len(data):
            size = self._block_size(data, at)
            if size == 0 or at + size > len(data):
                break
            rows += self._read_block(data, at, size)
            at += size
        self._rest = b"" if self._ended else self._pass_over(data, at)
        return self._network.read(data, rows)

    def finish(self) -> Datagrams:
        """Nothing more: what is left is a torn block."""
        if not self._order:
            raise CaptureError("pcapng ends inside its section header")
        if self._rest or self._skip:
            self.skipped["torn"] += 1
        return no_datagrams()

    def _block_size(self, data: bytes, at: int) -> int:
        """The size of the block at a place; 0, and the reading ends, if it makes no sense.

        A section header says its byte order before it can be asked for its size.
        """
        if data[at : at + 4] == b"\x0a\x0d\x0d\x0a":
            for order in "<>":
                if struct.unpack_from(f"{order}I", data, at + 8)[0] == _BYTE_ORDER_MAGIC:
                    self._order = order
                    break
            else:
                return self._tear("pcapng does not show its byte order in its section header")
        if not self._order:
            return self._tear("pcapng does not begin with a section header")
        kind, size = struct.unpack_from(f"{self._order}II", data, at)
        if size < _SMALLEST_BLOCK or size % 4 or (kind in _READ and size > MAX_FRAME):
            return self._tear(f"pcapng has a block of {size} bytes")
        return int(size)

    def _tear(self, problem: str) -> int:
        if not self._order:
            raise CaptureError(problem)
        self.skipped["torn"] += 1
        self._ended = True
        return 0

    def _pass_over(self, data: bytes, at: int) -> bytes:
        """What of the data is to be kept; a long block that nobody reads is not."""
        if len(data) - at >= _SMALLEST_BLOCK:
            kind, size = struct.unpack_from(f"{self._order}II", data, at)
            if kind not in _READ:
                self._skip = size - (len(data) - at)
                return b""
        return data[at:]

    def _read_block(self, data: bytes, at: int, size: int) -> Iterator[FrameRow]:
        (kind,) = struct.unpack_from(f"{self._order}I", data, at)
        body, end = at + 8, at + size - 4
        if kind == SECTION_HEADER:
            self._interfaces = []  # numbered anew in each section
        elif kind == _INTERFACE:
            self._read_interface(data, body, end)
        elif kind in (_ENHANCED_PACKET, _OBSOLETE_PACKET):
            yield from self._read_packet(data, kind, body, end)
        elif kind == _SIMPLE_PACKET and self._interfaces and end - body >= 4:
            (original,) = struct.unpack_from(f"{self._order}I", data, body)
            one = self._interfaces[0]
            captured = min(original, one.snaplen or original, end - body - 4)
            cut = captured < original
            yield FrameRow(body + 4, captured, self._last_us, one.link_type, cut)

    def _read_interface(self, data: bytes, at: int, end: int) -> None:
        if end - at < 8 or len(self._interfaces) == _MAX_INTERFACES:
            self._tear("pcapng has an interface too many or too short")
            return
        link_type, _, snaplen = struct.unpack_from(f"{self._order}HHI", data, at)
        units, offset_s = 1_000_000, 0
        for code, value in self._options(data, at + 8, end):
            if code == _TIMESTAMP_RESOLUTION and len(value) == 1:
                base = 2 if value[0] & 0x80 else 10
                units = base ** (value[0] & 0x7F)
            elif code == _TIMESTAMP_OFFSET and len(value) == 8:
                (offset_s,) = struct.unpack(f"{self._order}q", value)
        self._interfaces.append(_Interface(link_type, snaplen, units, offset_s))

    def _options(self, data: bytes, at: int, end: int) -> Iterator[tuple[int, bytes]]:
        while at + 4 <= end:
            code, size = struct.unpack_from(f"{self._order}HH", data, at)
            if code == _END_OF_OPTIONS or at + 4 + size > end:
                return
            yield code, data[at + 4 : at + 4 + size]
            at += 4 + size + -size % 4

    def _read_packet(self, data: bytes, kind: int, at: int, end: int) -> Iterator[FrameRow]:
        if end - at < 20:
            return
        form = "IIIII" if kind == _ENHANCED_PACKET else "HxxIIII"
        number, high, low, captured, original = struct.unpack_from(self._order + form, data, at)
        if number >= len(self._interfaces) or at + 20 + captured > end:
            self.skipped["torn"] += 1
            return
        one = self._interfaces[number]
        ticks = high << 32 | low
        arrival_us = ticks * 1_000_000 // one.units_per_second + one.offset_s * 1_000_000
        if abs(arrival_us) >= 1 << 62:  # a resolution that no clock has
            self.skipped["torn"] += 1
            return
        self._last_us = arrival_us
        yield FrameRow(at + 20, captured, arrival_us, one.link_type, original > captured)
