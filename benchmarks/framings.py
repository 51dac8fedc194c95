"""Packets in the files that the peers read. RTP only: none of them is given sender reports."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.codecs import Codec
from benchmarks.loop import START_US, Loop

_Column = NDArray[np.int64]


class Framing(NamedTuple):
    """A file of packets: a file header, then a header of one size before each packet."""

    suffix: str
    head: Callable[[Codec], bytes]
    size: int
    """Bytes of each packet's header."""
    headers: Callable[[_Column, _Column], NDArray[np.uint8]]
    """Of the packets' lengths and arrivals since the start, in microseconds."""


def write_file(path: Path, loop: Loop, framing: Framing, seconds: int) -> None:
    """Write so many seconds of a loop's packets."""
    rows = np.flatnonzero(~loop.is_rtcp)
    packets = [loop.data[row] for row in rows.tolist()]
    length = np.array([len(packet) for packet in packets], np.int64)
    end = np.cumsum(length + framing.size)
    header_at = (end - length - framing.size)[:, None] + np.arange(framing.size)
    counters = loop.counters(rows, end - length)
    room = bytes(framing.size)
    buffer = np.frombuffer(bytearray(b"".join(room + packet for packet in packets)), np.uint8)
    with path.open("wb") as file:
        file.write(framing.head(loop.codec))
        for repeat in range(-(-seconds // loop.codec.loop_s)):
            since_us = loop.arrival_us[rows] + repeat * loop.codec.loop_s * 1_000_000
            buffer[header_at] = framing.headers(length, since_us)
            for counter in counters:
                counter.put(buffer, repeat)
            count = int((since_us < seconds * 1_000_000).sum())
            file.write(buffer[: end[count - 1]].data)


def _rows(*columns: tuple[_Column | int, str], count: int) -> NDArray[np.uint8]:
    """Columns of numbers as rows of bytes."""
    rows = [
        np.broadcast_to(np.asarray(value), count).astype(kind).view(np.uint8).reshape(count, -1)
        for value, kind in columns
    ]
    return np.concatenate(rows, axis=1)


def _rfc4571(length: _Column, _: _Column) -> NDArray[np.uint8]:
    return _rows((length, ">u2"), count=len(length))


def _interleaved(length: _Column, _: _Column) -> NDArray[np.uint8]:
    """RTSP (RFC 2326 section 10.12): a dollar sign, the channel, the length."""
    return _rows((ord("$"), "u1"), (0, "u1"), (length, ">u2"), count=len(length))


def _pcap(length: _Column, since_us: _Column) -> NDArray[np.uint8]:
    """A record of libpcap, then Ethernet, IPv4 and UDP from and to 127.0.0.1."""
    count = len(length)
    at_us = START_US + since_us
    caught = length + 42
    address = 0x7F000001
    return _rows(
        (at_us // 1_000_000, "<u4"),
        (at_us % 1_000_000, "<u4"),
        (caught, "<u4"),
        (caught, "<u4"),
        (0, ">u8"),  # both addresses of Ethernet, but for
        (0, ">u4"),  # its last bytes
        (0x0800, ">u2"),
        (0x4500, ">u2"),
        (length + 28, ">u2"),
        (0x4000, ">u4"),
        (0x4011, ">u2"),  # time to live, UDP
        (0, ">u2"),
        (address, ">u4"),
        (address, ">u4"),
        (5004, ">u2"),
        (5004, ">u2"),
        (length + 8, ">u2"),
        (0, ">u2"),
        count=count,
    )


def _mjr(length: _Column, since_us: _Column) -> NDArray[np.uint8]:
    """Janus: MEET, milliseconds since the first packet, length."""
    meet = int.from_bytes(b"MEET")
    return _rows((meet, ">u4"), (since_us // 1000, ">u4"), (length, ">u2"), count=len(length))


def _mjr_head(codec: Codec) -> bytes:
    about = {"t": codec.kind[0], "c": codec.name, "s": START_US, "u": START_US}
    body = json.dumps(about).encode()
    return b"MJR00002" + len(body).to_bytes(2) + body


def _pcap_head(_: Codec) -> bytes:
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)


def _no_head(_: Codec) -> bytes:
    return b""


FRAMINGS = (
    Framing("rfc4571", _no_head, 2, _rfc4571),
    Framing("rtsp", _no_head, 4, _interleaved),
    Framing("pcap", _pcap_head, 58, _pcap),
    Framing("mjr", _mjr_head, 10, _mjr),
)
