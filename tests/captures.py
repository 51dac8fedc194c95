"""Captures for tests: packets of a call wrapped in the formats that tools of the field write."""

from __future__ import annotations

import ipaddress
import json
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from isotrack.codecs import vp8
from isotrack.rtp.captures import HEAD_BYTES, open_capture
from isotrack.rtp.datagrams import CaptureReader, Datagrams
from isotrack.rtp.header import write_header
from isotrack.rtp.rtcp import SenderReport, ntp_from_unix_us, sender_report

ALICE, SFU = ("10.0.0.1", 4000), ("10.0.0.9", 5004)
Address = tuple[str, int]
ETHERNET, RAW, SLL, SLL2, NULL, LOOP = 1, 101, 113, 276, 0, 108


def udp(payload: bytes, source: Address = ALICE, destination: Address = SFU) -> bytes:
    """An IP packet with a UDP datagram."""
    body = struct.pack(">HHHH", source[1], destination[1], 8 + len(payload), 0) + payload
    return ip(body, source[0], destination[0], 17)


def ip(
    body: bytes,
    source: str,
    destination: str,
    protocol: int,
    *,
    options: bytes = b"",
    identifier: int = 0,
    fragment: int = 0,
) -> bytes:
    """An IP packet of the version that the addresses have."""
    ends = [ipaddress.ip_address(one).packed for one in (source, destination)]
    if len(ends[0]) == 16:
        return struct.pack(">IHBB", 6 << 28, len(body), protocol, 64) + b"".join(ends) + body
    header = struct.pack(
        ">BBHHHBBH",
        0x45 + len(options) // 4,
        0,
        20 + len(options) + len(body),
        identifier,
        fragment,
        64,
        protocol,
        0,
    )
    return header + b"".join(ends) + options + body


def ethernet(packet: bytes, tags: Sequence[int] = ()) -> bytes:
    """A frame of an IP packet, with VLAN tags of these types."""
    kind = 0x86DD if packet[0] >> 4 == 6 else 0x0800
    marks = b"".join(struct.pack(">HH", tag, 5) for tag in tags)
    return bytes(12) + marks + struct.pack(">H", kind) + packet


def pcap(
    frames: Iterable[tuple[int, bytes]],
    link_type: int = RAW,
    *,
    order: str = "<",
    nanoseconds: bool = True,
    snaplen: int = 65_535,
) -> bytes:
    """A pcap of frames and their arrivals in microseconds."""
    magic, per_us = (0xA1B23C4D, 1000) if nanoseconds else (0xA1B2C3D4, 1)
    parts = [struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, snaplen, link_type)]
    for at_us, frame in frames:
        seconds, us = divmod(at_us, 1_000_000)
        kept = frame[:snaplen]
        parts.append(struct.pack(f"{order}IIII", seconds, us * per_us, len(kept), len(frame)))
        parts.append(kept)
    return b"".join(parts)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """A block of pcapng."""
    body += bytes(-len(body) % 4)
    size = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + size + body + size


def section(order: str = "<") -> bytes:
    """The first block of a section."""
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link_type: int, order: str = "<", options: Sequence[tuple[int, bytes]] = ()) -> bytes:
    """An interface description block."""
    body = struct.pack(f"{order}HHI", link_type, 0, 0)
    for code, value in options:
        body += struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)
    return block(1, body + (bytes(4) if options else b""), order)


def enhanced(ticks: int, frame: bytes, number: int = 0, order: str = "<", cut: int = 0) -> bytes:
    """An enhanced packet block."""
    head = struct.pack(
        f"{order}IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame) + cut
    )
    return block(6, head + frame, order)


def mjr(
    packets: Iterable[tuple[int, bytes]], header: Mapping[str, object] | bytes, version: int = 2
) -> bytes:
    """A Janus recording of packets and their milliseconds; version 0 is the oldest form."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    magic = b"MJR0000%d" % version if version else b"MEETECHO"
    parts = [magic + struct.pack(">H", len(text)) + text]
    for ms, packet in packets:
        mark = b"MEET" + struct.pack(">I", ms) if version == 2 else b"MEETECHO"
        parts.append(mark + struct.pack(">H", len(packet)) + packet)
    return b"".join(parts)


def framed(packets: Iterable[bytes]) -> bytes:
    """Packets framed as RFC 4571 has it."""
    return b"".join(struct.pack(">H", len(packet)) + packet for packet in packets)


Row = tuple[int, str, bytes]


def read(
    capture: bytes | Path, piece: int = 1 << 30, rates: Mapping[int, int] | None = None
) -> tuple[CaptureReader, list[Row]]:
    """The reader of a capture, and arrival, flow and bytes of each datagram, fed in pieces."""
    data = capture.read_bytes() if isinstance(capture, Path) else capture
    reader = open_capture(data[:HEAD_BYTES], 1_000_000_000_000_000, rates or {})
    batches = [reader.feed(data[at : at + piece]) for at in range(0, len(data), piece)]
    batches.append(reader.finish())
    rows = [
        (
            int(batch.arrival_us[i]),
            str(reader.flows[int(batch.flow[i])]),
            batch.buffer[batch.offset[i] : batch.offset[i] + batch.length[i]].tobytes(),
        )
        for batch in batches
        for i in range(batch.count)
    ]
    return reader, rows


START_US = 1_760_000_000_000_000
Sent = tuple[int, bytes]
"""Arrival in microseconds after the start, and a packet."""


def picture_packets(
    ssrc: int = 1,
    *,
    seconds: float = 3,
    size: tuple[int, int] = (320, 180),
    payload_type: int = 96,
    frame_bytes: int = 300,
    extensions: Mapping[int, bytes] | None = None,
) -> list[Sent]:
    """The packets of a VP8 camera of 30 frames a second, a keyframe each second, two a frame."""
    sent = []
    for frame in range(int(seconds * 30)):
        key = frame % 30 == 0
        width, height = (side.to_bytes(2, "little") for side in size)
        head = b"\x10\x02\x00\x9d\x01\x2a" + width + height if key else b"\x11\x02\x00"
        body = head + bytes((frame + n) % 251 for n in range(frame_bytes))
        payloads = vp8.packetize(body, frame, len(body) // 2 + 8)
        for part, payload in enumerate(payloads):
            header = write_header(
                payload_type,
                (65_000 + 9000 * (ssrc - 1) + 2 * frame + part) & 0xFFFF,
                (4_294_000_000 + 10**8 * (ssrc - 1) + 3000 * frame) % 2**32,
                ssrc,
                part == len(payloads) - 1,
                extensions or {},
            )
            sent.append((frame * 1_000_000 // 30 + 200 * part, header + payload))
    return sent


def sound_packets(ssrc: int = 2, *, seconds: float = 3, payload_type: int = 111) -> list[Sent]:
    """The packets of an Opus microphone, 20 ms each."""
    return [
        (
            20_000 * n,
            write_header(payload_type, n + 100, 960 * n + 777, ssrc, n == 0)
            + b"\x78"
            + bytes((n * 7 + k) % 256 for k in range(40 + n % 9)),
        )
        for n in range(int(seconds * 50))
    ]


def reports_of(ssrc: int, cname: str, rate: int, first: int, seconds: int = 3) -> list[Sent]:
    """A sender report each second."""
    return [
        (
            1_000_000 * n + 500,
            sender_report(
                SenderReport(
                    ssrc,
                    ntp_from_unix_us(START_US + 1_000_000 * n),
                    (first + rate * n) % 2**32,
                    1,
                    1,
                ),
                cname,
            ),
        )
        for n in range(seconds)
    ]


def bundle(*streams: Iterable[Sent], source: Address = ALICE, destination: Address = SFU) -> bytes:
    """A pcap of packets on one flow, in the order they came."""
    return bundles((source, destination, [sent for stream in streams for sent in stream]))


def bundles(*flows: tuple[Address, Address, Iterable[Sent]]) -> bytes:
    """A pcap of several flows."""
    frames = [
        (START_US + at_us, udp(packet, source, destination))
        for source, destination, stream in flows
        for at_us, packet in stream
    ]
    return pcap(sorted(frames, key=lambda frame: frame[0]))


def rtx_of(packets: Iterable[Sent], ssrc: int, payload_type: int = 97) -> list[Sent]:
    """Packets sent again 50 ms later (RFC 4588)."""
    again = []
    for index, (at_us, packet) in enumerate(packets):
        timestamp = int.from_bytes(packet[4:8], "big")
        header = write_header(payload_type, 500 + index, timestamp, ssrc, bool(packet[1] >> 7))
        again.append((at_us + 50_000, header + packet[2:4] + packet[12:]))
    return again


class CaptureBytes:
    """A capture in memory."""

    def __init__(self, name: str, data: bytes, piece: int = 10_000) -> None:
        self.name = name
        self._data = data
        self._piece = piece

    def read(self, clock_rates: Mapping[int, int]) -> tuple[CaptureReader, Iterator[Datagrams]]:
        reader = open_capture(self._data[:HEAD_BYTES], START_US, clock_rates)
        return reader, self._batches(reader)

    def _batches(self, reader: CaptureReader) -> Iterator[Datagrams]:
        for at in range(0, len(self._data), self._piece):
            yield reader.feed(self._data[at : at + self._piece])
        yield reader.finish()
