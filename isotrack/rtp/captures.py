"""Which format a capture has, told by how it begins, and the reader of it."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Mapping

from isotrack.rtp.datagrams import NO_ADDRESS, CaptureError, CaptureReader, Datagrams, Flow
from isotrack.rtp.datagrams import datagrams as datagrams_of
from isotrack.rtp.demultiplex import looks_like_rtp
from isotrack.rtp.dump_stream import DumpReader
from isotrack.rtp.framing import FramingReader, looks_framed
from isotrack.rtp.mjr import MAGIC as MJR_MAGIC
from isotrack.rtp.mjr import MjrReader
from isotrack.rtp.pacing import Pacer
from isotrack.rtp.pcap import MAGIC as PCAP_MAGIC
from isotrack.rtp.pcap import PcapReader
from isotrack.rtp.pcapng import SECTION_HEADER, PcapngReader

HEAD_BYTES = 1 << 18
"""How much of a file's beginning `open_capture` wants to see."""


def open_capture(head: bytes, start_us: int, clock_rates: Mapping[int, int]) -> CaptureReader:
    """The reader of a capture that begins like that.

    Args:
        head: the first `HEAD_BYTES` of the file, or all of it.
        start_us: when a capture that records no time begins, Unix microseconds.
        clock_rates: of payload types, as signaling said.

    Raises:
        CaptureError: it is none of the formats.
    """
    if head.startswith((b"#!rtpplay", b"#!RTPencode", b"#!rtpencode")):
        return DumpReader()
    if head.startswith(MJR_MAGIC):
        return MjrReader(start_us, clock_rates)
    if len(head) >= 4:
        magic = struct.unpack("<I", head[:4]) + struct.unpack(">I", head[:4])
        if SECTION_HEADER in magic:
            return PcapngReader()
        if not PCAP_MAGIC.keys().isdisjoint(magic):
            return PcapReader()
    if looks_framed(head):
        return FramingReader(start_us, clock_rates)
    if looks_like_rtp(head) and len(head) <= 0xFFFF:
        return PacketReader(start_us, clock_rates)
    raise CaptureError(
        "the file is not pcap, pcapng, rtpdump, mjr or RTP framed as RFC 4571 has it"
    )


class PacketReader:
    """Reads files that are one RTP packet each, as debuggers leave them; given one after the other.

    Args:
        start_us: when the first packet came, Unix microseconds.
        clock_rates: of payload types, as signaling said.
    """

    form = "packets"
    arrivals_made = True

    def __init__(self, start_us: int, clock_rates: Mapping[int, int]) -> None:
        self.flows: list[Flow] = [NO_ADDRESS]
        self.skipped: Counter[str] = Counter()
        self._pacer = Pacer(start_us, clock_rates)
        self._packets: list[bytes] = []

    def feed(self, data: bytes) -> Datagrams:
        """Take in one file, whole."""
        self._packets.append(data)
        return datagrams_of(b"", (), self.skipped)

    def finish(self) -> Datagrams:
        """All packets."""
        whole = b"".join(self._packets)
        rows, at = [], 0
        for packet in self._packets:
            rows.append((at, len(packet), 0, 0))
            at += len(packet)
        return self._pacer.time(datagrams_of(whole, rows, self.skipped))
