r"""rtpdump, the file format of rtptools, with a trailer that makes our own chunks exact and fast.

A file is a line of text, a file header and records; all numbers are big endian:

    #!rtpplay1.0 {address}/{port}\n
    start: seconds u32 | microseconds u32 | source address u32 | port u16 | padding u16
    record: length u16 (these 8 bytes included) | packet length u16, 0 for RTCP | offset u32 (ms)
            the packet

Our own files end with a trailer (`trailer`), which tells where every record is, when it came and
what its header says, so that nothing has to be walked.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from ipaddress import IPv4Address
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.rtp.demultiplex import RTCP, kinds
from isotrack.rtp.records import Records, read_headers
from isotrack.rtp.trailer import (
    RECORD_HEADER,
    FoundTrailer,
    find_trailer,
    is_trailer,
    read_trailers,
    write_trailer,
)

MAX_RECORDS = 8192
"""The most packets one chunk holds."""

MAX_PACKET = 0xFFFF - 8
"""The longest packet a record can hold, in bytes."""

_LINE = re.compile(rb"#!(?:rtpplay|RTPencode)\d+\.\d+[^\n]{0,255}\n", re.IGNORECASE)
_FILE_HEADER = struct.Struct(">IIIHH")


class DumpError(ValueError):
    """The file is not an rtpdump: its header cannot be read."""


def read_dump(data: bytes | bytearray | memoryview | NDArray[np.uint8], first: int = 0) -> Records:
    """The records of an rtpdump file: at once where our trailer vouches for them, else one by one.

    Args:
        data: holds the file up to its end. Bytes that can be written to are not copied: they
            become the buffer of the records, to be worked in.
        first: where in `data` the file begins.

    Raises:
        DumpError: The file header is unreadable, and no trailer tells where the records are. Damage
            behind it never raises: the records before it are returned, and `intact` is False.
    """
    buffer = np.frombuffer(data, np.uint8)
    if not buffer.flags.writeable:
        buffer = buffer.copy()
    found = find_trailer(buffer[first:])
    try:
        at, start_us = _read_head(buffer, first, buffer.size)
    except DumpError:
        sealed = found and _read_behind_damage(buffer, first, found)
        if sealed is None:
            raise
        return sealed
    sealed = found and _read_sealed(buffer, [_Sealed(at, buffer.size - found.size, found)])
    return sealed or _read_in_order(buffer, at, start_us)


def read_dumps(buffer: NDArray[np.uint8], ranges: Sequence[tuple[int, int]]) -> Records | None:
    """The records of several files at once, where our trailer vouches for those of each.

    Args:
        buffer: holds the files; the records are worked in there.
        ranges: where each file, of at least one, begins and ends; they do not overlap.

    Returns:
        What `read_dump` would give for each, joined; None if that has to look at them one by one.
    """
    parts = []
    for begin, end in ranges:
        try:
            at, _ = _read_head(buffer, begin, end)
        except DumpError:
            return None
        found = find_trailer(buffer[at:end])
        if found is None:
            return None
        parts.append(_Sealed(at, end - found.size, found))
    return _read_sealed(buffer, parts)


def _read_head(buffer: NDArray[np.uint8], first: int, end: int) -> tuple[int, int]:
    """Where the records of a file begin, and the Unix time in microseconds they count from."""
    line = _LINE.match(buffer.data, first, end)
    if line is None:
        raise DumpError("rtpdump does not begin with '#!rtpplay1.0' and a line end")
    at = line.end() + _FILE_HEADER.size
    if end < at:
        raise DumpError(f"rtpdump ends inside its file header, after {end - first} bytes")
    seconds, microseconds, *_ = _FILE_HEADER.unpack_from(buffer.data, line.end())
    return at, seconds * 1_000_000 + microseconds


class _Sealed(NamedTuple):
    """Records and the trailer that follows them."""

    first: int
    """Where the first record begins."""
    end: int
    """Where the last one ends."""
    trailer: FoundTrailer


def _read_sealed(buffer: NDArray[np.uint8], parts: Sequence[_Sealed]) -> Records | None:
    """The records as trailers tell them, or None if one is untrue."""
    told = read_trailers([part.trailer for part in parts])
    if told is None:
        return None
    ends = told.length + RECORD_HEADER
    at = count = 0
    lasts = []
    for first, end, trailer in parts:
        if not trailer.records:
            if first != end:
                return None
            continue
        ends[count] += first - at  # over what is no record: heads and trailers of files
        count += trailer.records
        lasts.append((count - 1, end))
        at = end
    ends = ends.cumsum()
    if any(ends[last] != end for last, end in lasts):
        return None
    offset = ends - told.length
    return Records(
        buffer,
        offset,
        told.length,
        told.arrival_us,
        told.is_rtcp,
        told.headers,
        intact=True,
    )


def _read_behind_damage(
    buffer: NDArray[np.uint8], first: int, trailer: FoundTrailer
) -> Records | None:
    """The same of a file whose header is damaged: its records begin where their lengths say."""
    told = read_trailers([trailer])
    if told is None:
        return None
    end = buffer.size - trailer.size
    at = end - int((told.length + RECORD_HEADER).sum())
    return _read_sealed(buffer, [_Sealed(at, end, trailer)]) if at >= first else None


def _read_in_order(buffer: NDArray[np.uint8], first: int, start_us: int) -> Records:
    """The records found by stepping from one to the next, until the file ends or makes no sense."""
    view = buffer.data
    record = struct.Struct(">HHI" if _is_big_endian(view, first) else "<HHI")
    rows: list[tuple[int, int, int, bool]] = []
    intact = True
    at = first
    while at + RECORD_HEADER <= buffer.size:
        record_length, packet_length, offset_ms = record.unpack_from(view, at)
        packet, end = at + RECORD_HEADER, at + record_length
        if packet > end or end > buffer.size:
            break
        at = end
        is_rtcp = packet_length == 0
        length = end - packet if is_rtcp else packet_length
        if packet + length > end or (is_rtcp and is_trailer(view[packet : packet + length])):
            # A packet that was cut when it was captured is a lost one: half a payload is no media.
            intact = False
        else:
            rows.append((packet, length, start_us + offset_ms * 1000, is_rtcp))
    table = np.array(rows, np.int64).reshape(-1, 4)
    offset, length, arrival_us, marked = np.ascontiguousarray(table.T)
    # Some tools, webrtc's among them, give RTCP a packet length like RTP.
    is_rtcp_column = (marked != 0) | (kinds(buffer, offset, length) == RTCP)
    headers = read_headers(buffer, offset, length, is_rtcp_column)
    intact &= at == buffer.size
    return Records(buffer, offset, length, arrival_us, is_rtcp_column, headers, intact)


def _is_big_endian(view: memoryview, first: int) -> bool:
    """Whether the first record makes sense as the format wants it.

    Old dumps of libjingle hold records (not the file header) in the byte order of their machine.
    """

    def makes_sense(order: str) -> bool:
        record_length, packet_length = struct.unpack_from(f"{order}HH", view, first)
        fits = RECORD_HEADER <= record_length <= len(view) - first
        return fits and packet_length in (0, record_length - RECORD_HEADER)

    if len(view) < first + RECORD_HEADER:
        return True
    return makes_sense(">") or not makes_sense("<")


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
    offset_ms = (arrival_us - start_us) // 1000
    if not 0 <= start_us < 1_000_000 << 32 or (arrival_us - start_us > 0xFFFFFFFF).any():
        raise ValueError("arrivals do not fit in a chunk: before 1970, or more than an hour apart")

    head = _file_header(host, port, start_us)
    ends = (offset + length).tolist()
    slices = [view[begin:end] for begin, end in zip(offset.tolist(), ends, strict=True)]
    headers = read_headers(np.frombuffer(view, np.uint8), offset, length, is_rtcp)
    rtcp = b"".join([slices[row] for row in np.flatnonzero(is_rtcp).tolist()])
    trailer = write_trailer(length, arrival_us, is_rtcp, headers, rtcp)
    # The separator of the join leaves the room for each record's header.
    dump = bytearray(RECORD_HEADER).join([head, *slices, *trailer])

    sizes = np.append(length, [len(packet) for packet in trailer])
    header = np.zeros((sizes.size, 4), ">u2")
    header[:, 0] = sizes + RECORD_HEADER
    header[: length.size, 1] = np.where(is_rtcp, 0, length)
    header.view(">u4")[:, 1] = offset_ms[-1] if offset_ms.size else 0
    header.view(">u4")[: length.size, 1] = offset_ms
    at = len(head) + np.cumsum(sizes + RECORD_HEADER) - sizes - RECORD_HEADER
    np.frombuffer(dump, np.uint8)[at[:, None] + np.arange(RECORD_HEADER)] = header.view(np.uint8)
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
