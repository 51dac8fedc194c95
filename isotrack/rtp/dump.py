r"""rtpdump, the file format of rtptools, with a trailer that makes our own chunks exact and fast.

A file is a line of text, a file header and records; all numbers are big endian:

    #!rtpplay1.0 {address}/{port}\n
    start: seconds u32 | microseconds u32 | source address u32 | port u16 | padding u16
    record: length u16 (these 8 bytes included) | packet length u16, 0 for RTCP | offset u32 (ms)
            the packet

rtpdump times a packet to the millisecond and can only be read record by record. So the last record
of a chunk is an RTCP APP packet (RFC 3550 section 6.7), which any reader of RTCP steps over:

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |V=2|P| subtype |   PT = 204    |     length in words - 1       |
    |                           SSRC = 0                            |
    |                         name = "ISOT"                         |
    |  packet length u16, one per record before this one        ... |
    |  microseconds u16 (0..999), one per record before this one .. |
    |        size of this record, its record header included        |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

A packet arrived at start + offset of its record + these microseconds. A reader that finds the size
in the file's last four bytes knows where every record is without walking them.
"""

from __future__ import annotations

import re
import struct
from ipaddress import IPv4Address
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.rtp.demultiplex import RTCP, kinds
from isotrack.rtp.gather import gather

MAX_RECORDS = 8192
"""The most packets one chunk holds."""

MAX_PACKET = 0xFFFF - 8
"""The longest packet a record can hold, in bytes."""

_LINE = re.compile(rb"#!(?:rtpplay|RTPencode)\d+\.\d+[^\n]{0,255}\n", re.IGNORECASE)
_FILE_HEADER = struct.Struct(">IIIHH")
_RECORD_HEADER = 8
_APP_HEADER = struct.Struct(">BBHI4s")
_APP = 204
_NAME = b"ISOT"
_TRAILER_FIXED = _RECORD_HEADER + _APP_HEADER.size + 4


class DumpError(ValueError):
    """The file is not an rtpdump: its header cannot be read."""


class Records(NamedTuple):
    """The packets of a dump, in the order they were written, as columns over one buffer."""

    buffer: NDArray[np.uint8]
    """The file's bytes, owned and writable."""
    offset: NDArray[np.int64]
    """Where each packet begins in the buffer."""
    length: NDArray[np.int64]
    """Bytes of each packet."""
    arrival_us: NDArray[np.int64]
    """Arrival of each packet, Unix time in microseconds."""
    is_rtcp: NDArray[np.bool_]
    """True for RTCP, False for RTP."""
    intact: bool
    """False if the file ends torn, holds cut packets, or its trailer contradicts it."""


def read_dump(data: bytes | bytearray | memoryview) -> Records:
    """The records of an rtpdump file: at once where our trailer vouches for them, else one by one.

    Raises:
        DumpError: The file header is unreadable. Damage behind it never raises: the records before
            it are returned, and `intact` is False.
    """
    line = _LINE.match(data)
    if line is None:
        raise DumpError("rtpdump does not begin with '#!rtpplay1.0' and a line end")
    first = line.end() + _FILE_HEADER.size
    if len(data) < first:
        raise DumpError(f"rtpdump ends inside its file header, after {len(data)} bytes")
    seconds, microseconds, *_ = _FILE_HEADER.unpack_from(data, line.end())
    start_us = seconds * 1_000_000 + microseconds
    buffer = np.frombuffer(data, np.uint8).copy()
    return _read_sealed(buffer, first, start_us) or _read_in_order(buffer, first, start_us)


def _read_sealed(buffer: NDArray[np.uint8], first: int, start_us: int) -> Records | None:
    """The records as the trailer tells them, or None if it is absent or untrue."""
    size = int.from_bytes(buffer[-4:].tobytes(), "big")
    trailer = buffer.size - size
    count, rest = divmod(size - _TRAILER_FIXED, 4)
    if count < 0 or rest or trailer < first:
        return None
    packet = trailer + _RECORD_HEADER
    if buffer[trailer:packet].tobytes()[:4] != struct.pack(">HH", size & 0xFFFF, 0):
        return None
    if not _is_trailer(buffer, packet, size - _RECORD_HEADER):
        return None
    columns = buffer[packet + _APP_HEADER.size : -4].view(">u2").astype(np.int64).reshape(2, count)
    length, submillisecond = columns
    end = first + np.cumsum(length + _RECORD_HEADER)
    if (int(end[-1]) if count else first) != trailer:
        return None
    offset = end - length
    header = gather(buffer, offset - _RECORD_HEADER, _RECORD_HEADER)
    record_length, packet_length = header.view(">u2")[:, :2].astype(np.int64).T
    is_rtcp = packet_length == 0
    if not (
        np.array_equal(record_length, length + _RECORD_HEADER)
        and np.array_equal(packet_length[~is_rtcp], length[~is_rtcp])
    ):
        return None
    offset_ms = header.view(">u4")[:, 1].astype(np.int64)
    arrival_us = start_us + offset_ms * 1000 + submillisecond
    return Records(buffer, offset, length, arrival_us, is_rtcp, True)


def _read_in_order(buffer: NDArray[np.uint8], first: int, start_us: int) -> Records:
    """The records found by stepping from one to the next, until the file ends or makes no sense."""
    view = buffer.data
    record = struct.Struct(">HHI" if _is_big_endian(view, first) else "<HHI")
    rows: list[tuple[int, int, int, bool]] = []
    intact = True
    at = first
    while at + _RECORD_HEADER <= buffer.size:
        record_length, packet_length, offset_ms = record.unpack_from(view, at)
        packet, end = at + _RECORD_HEADER, at + record_length
        if packet > end or end > buffer.size:
            break
        at = end
        is_rtcp = packet_length == 0
        length = end - packet if is_rtcp else packet_length
        if packet + length > end or (is_rtcp and _is_trailer(buffer, packet, length)):
            # A packet that was cut when it was captured is a lost one: half a payload is no media.
            intact = False
        else:
            rows.append((packet, length, start_us + offset_ms * 1000, is_rtcp))
    table = np.array(rows, np.int64).reshape(-1, 4)
    offset, length, arrival_us, marked = np.ascontiguousarray(table.T)
    # Some tools, webrtc's among them, give RTCP a packet length like RTP.
    is_rtcp_column = (marked != 0) | (kinds(buffer, offset, length) == RTCP)
    return Records(buffer, offset, length, arrival_us, is_rtcp_column, intact and at == buffer.size)


def _is_big_endian(view: memoryview, first: int) -> bool:
    """Whether the first record makes sense as the format wants it.

    Old dumps of libjingle hold records (not the file header) in the byte order of their machine.
    """

    def makes_sense(order: str) -> bool:
        record_length, packet_length = struct.unpack_from(f"{order}HH", view, first)
        fits = _RECORD_HEADER <= record_length <= len(view) - first
        return fits and packet_length in (0, record_length - _RECORD_HEADER)

    if len(view) < first + _RECORD_HEADER:
        return True
    return makes_sense(">") or not makes_sense("<")


def _is_trailer(buffer: NDArray[np.uint8], packet: int, length: int) -> bool:
    """Whether an RTCP packet is the APP packet that a chunk ends with."""
    if length < _APP_HEADER.size + 4:
        return False
    _, packet_type, _, _, name = _APP_HEADER.unpack_from(buffer.data, packet)
    return bool(packet_type == _APP and name == _NAME)


def write_dump(
    buffer: bytes | bytearray | memoryview | NDArray[np.uint8],
    offset: NDArray[np.int64],
    length: NDArray[np.int64],
    arrival_us: NDArray[np.int64],
    is_rtcp: NDArray[np.bool_],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
) -> bytearray:
    """A chunk: the packets at `offset` in `buffer` as an rtpdump file that ends with our trailer.

    Args:
        buffer: Any buffer that holds the packets, in any order.
        offset: Where each packet begins in the buffer.
        length: Bytes of each packet, 1 to `MAX_PACKET`.
        arrival_us: Arrival of each packet, Unix time in microseconds.
        is_rtcp: True for RTCP, False for RTP.
        host: The IPv4 address the file header names.
        port: The port the file header names.

    Raises:
        ValueError: More than `MAX_RECORDS` packets, a packet outside the buffer or too long for a
            record, or arrivals that rtpdump cannot express.
    """
    view = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # arrays are buffers
    offset, length, arrival_us = (np.asarray(c, np.int64) for c in (offset, length, arrival_us))
    _check_packets(len(view), offset, length)
    start_us = int(arrival_us.min()) if arrival_us.size else 0
    offset_ms, submillisecond = np.divmod(arrival_us - start_us, 1000)
    if not 0 <= start_us < 1_000_000 << 32 or (offset_ms > 0xFFFFFFFF).any():
        raise ValueError("arrivals do not fit in an rtpdump file: before 1970, or weeks apart")

    head = _file_header(host, port, start_us)
    trailer = _trailer(length, submillisecond)
    ends = (offset + length).tolist()
    slices = [view[begin:end] for begin, end in zip(offset.tolist(), ends, strict=True)]
    # The separator of the join leaves the room for each record's header.
    dump = bytearray(_RECORD_HEADER).join([head, *slices, trailer])

    sizes = np.append(length, len(trailer))
    header = np.empty((sizes.size, 4), ">u2")
    header[:, 0] = sizes + _RECORD_HEADER
    header[:, 1] = np.append(np.where(is_rtcp, 0, length), 0)
    header.view(">u4")[:, 1] = np.append(offset_ms, offset_ms[-1:] if offset_ms.size else 0)
    at = len(head) + np.cumsum(sizes + _RECORD_HEADER) - sizes - _RECORD_HEADER
    np.frombuffer(dump, np.uint8)[at[:, None] + np.arange(_RECORD_HEADER)] = header.view(np.uint8)
    return dump


def _check_packets(size: int, offset: NDArray[np.int64], length: NDArray[np.int64]) -> None:
    if offset.size > MAX_RECORDS:
        raise ValueError(f"a chunk holds at most {MAX_RECORDS} packets, not {offset.size}")
    if ((length < 1) | (length > MAX_PACKET)).any():
        raise ValueError(f"a record holds a packet of 1 to {MAX_PACKET} bytes")
    if ((offset < 0) | (offset + length > size)).any():
        raise ValueError("a packet lies outside the buffer it is written from")


def _file_header(host: str, port: int, start_us: int) -> bytes:
    seconds, microseconds = divmod(start_us, 1_000_000)
    address = int(IPv4Address(host))
    line = f"#!rtpplay1.0 {host}/{port}\n".encode()
    return line + _FILE_HEADER.pack(seconds, microseconds, address, port, 0)


def _trailer(length: NDArray[np.int64], submillisecond: NDArray[np.int64]) -> bytes:
    columns = np.stack([length, submillisecond]).astype(">u2").tobytes()
    size = _TRAILER_FIXED + len(columns)
    words = (size - _RECORD_HEADER) // 4
    header = _APP_HEADER.pack(0x80, _APP, words - 1, 0, _NAME)
    return header + columns + size.to_bytes(4, "big")
