r"""The trailer of a sealed chunk: what is known of its packets without reading them.

rtpdump times a packet to the millisecond and can only be read record by record. So the last record
of a chunk is an RTCP APP packet (RFC 3550 section 6.7), which any reader of RTCP steps over. It
holds columns, a value for every record before it, all of them big endian. What is more than a
record can hold (65,512 bytes) goes on in another one, behind the same first twelve bytes:

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |V=2|P|subtype 1|   PT = 204    |     length in words - 1       |
    |                           SSRC = 0                            |
    |                         name = "ISOT"                         |
    |                        records u32                            |
    |                       bytes of RTCP u32                       |
    |                 first arrival u64, Unix time in us            |
    |  arrival u32, us from the first                           ... |
    |  timestamp u32                                            ... |
    |  SSRC u32                                                 ... |
    |  packet length u16                                        ... |
    |  sequence number u16                                      ... |
    |  payload offset u16, 0: no sound RTP                      ... |
    |  payload length u16; where the offset is 0, 1 for RTCP    ... |
    |  second byte of the RTP header u8                         ... |
    |  the RTCP packets, one behind the other; zeros to 8 bytes     |
    |            CRC-32 of all before it, from `records` on         |
    |        size of these records, record headers included         |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

The trailer alone tells everything that a clock is made of, in two hundredths of the bytes: whoever
wants to know when a recording plays fetches the ends of its chunks and no media. It is read from
its end, where its size is, and believed when its CRC (that of RFC 1952) is right.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
from fastcrc import crc32
from numpy.typing import NDArray

from isotrack.rtp.records import Headers

_APP = 204
_SUBTYPE = 1
_NAME = b"ISOT"
_APP_HEADER = struct.Struct(">BBHI4s")
_FIXED = struct.Struct(">IIQ")
_END = struct.Struct(">II")
_PIECE = 65_512  # of what follows the APP headers: with those and a record header within 16 bits
RECORD_HEADER = 8
"""Bytes before every packet of an rtpdump file, the trailer among them."""

_ROW = 4 + 4 + 4 + 2 + 2 + 2 + 2 + 1


class FoundTrailer(NamedTuple):
    """A trailer as it stands in a file, whole and of the right CRC."""

    records: int
    """How many it tells of."""
    start_us: int
    """The first arrival."""
    columns: NDArray[np.uint8]
    """One behind the other, as in the file."""
    rtcp: bytes
    size: int
    """Bytes of the trailer's records."""


class Trailer(NamedTuple):
    """What trailers say of the records before them: columns, a row for each record."""

    length: NDArray[np.int64]
    arrival_us: NDArray[np.int64]
    is_rtcp: NDArray[np.bool_]
    headers: Headers
    rtcp: tuple[bytes, ...]
    """The RTCP packets among them."""

    def part(self, begin: int, end: int) -> Trailer:
        """What is said of the records from one on and before another."""
        rows = slice(begin, end)
        first = np.count_nonzero(self.is_rtcp[:begin])
        after = first + np.count_nonzero(self.is_rtcp[rows])
        return Trailer(
            self.length[rows],
            self.arrival_us[rows],
            self.is_rtcp[rows],
            self.headers.part(begin, end),
            self.rtcp[first:after],
        )


def size_bound(records: int) -> int:
    """Bytes that hold the trailer of so many records, unless they are crowded with RTCP."""
    size = _FIXED.size + records * _ROW + _END.size + 4096
    return size + (size // _PIECE + 1) * (RECORD_HEADER + _APP_HEADER.size)


def write_trailer(
    length: NDArray[np.int64],
    arrival_us: NDArray[np.int64],
    is_rtcp: NDArray[np.bool_],
    headers: Headers,
    rtcp: bytes,
) -> list[bytes]:
    """The APP packets of a trailer, without their record headers.

    Args:
        length: bytes of each packet, less than 65536.
        arrival_us: of each packet; less than 71 minutes apart.
        is_rtcp: whether each is RTCP.
        headers: of each packet.
        rtcp: the bytes of those that are RTCP.
    """
    start_us = int(arrival_us.min()) if arrival_us.size else 0
    columns = (
        (arrival_us - start_us).astype(">u4"),
        headers.timestamp.astype(">u4"),
        headers.ssrc.astype(">u4"),
        length.astype(">u2"),
        headers.sequence_number.astype(">u2"),
        headers.payload_offset.astype(">u2"),
        np.where(is_rtcp, 1, headers.payload_length).astype(">u2"),
        headers.second,
    )
    told = _FIXED.pack(length.size, len(rtcp), start_us)
    told += b"".join(column.tobytes() for column in columns) + rtcp
    told += bytes(-len(told) % 8)  # so that the end is in one piece
    starts = range(0, len(told) + _END.size, _PIECE)
    size = len(told) + _END.size + len(starts) * (RECORD_HEADER + _APP_HEADER.size)
    told += _END.pack(crc32.iso_hdlc(told), size)
    pieces = [told[at : at + _PIECE] for at in starts]
    return [_app_header(len(piece)) + piece for piece in pieces]


def _app_header(size: int) -> bytes:
    """What stands before a piece of so many bytes, a whole number of words."""
    return _APP_HEADER.pack(0x80 | _SUBTYPE, _APP, (_APP_HEADER.size + size) // 4 - 1, 0, _NAME)


def read_trailer(tail: NDArray[np.uint8]) -> Trailer | None:
    """The trailer that a chunk ends with; None if it has none, or not all of it is in `tail`."""
    found = find_trailer(tail)
    return None if found is None else read_trailers([found])


def find_trailer(tail: NDArray[np.uint8]) -> FoundTrailer | None:
    """The same as it stands there; what it says may yet contradict itself (`read_trailers`)."""
    if tail.size < _END.size:
        return None
    crc, size = _END.unpack_from(tail.data, tail.size - _END.size)
    told = None if size > tail.size else _joined(tail.data[tail.size - size :])
    if told is None or len(told) < _FIXED.size + _END.size:
        return None
    count, rtcp_bytes, start_us = _FIXED.unpack_from(told)
    begin, end = _FIXED.size + count * _ROW, len(told) - _END.size
    if not 0 <= end - begin - rtcp_bytes < 8 or start_us >> 62:
        return None
    if crc32.iso_hdlc(told[:end]) != crc:
        return None
    columns = np.frombuffer(told, np.uint8, begin - _FIXED.size, _FIXED.size)
    return FoundTrailer(count, start_us, columns, bytes(told[begin : begin + rtcp_bytes]), size)


def read_trailers(found: Sequence[FoundTrailer]) -> Trailer | None:
    """What trailers say, at least one, one behind the other; None if one contradicts itself."""
    fours, twos = _columns(found, ">u4", 0, 3), _columns(found, ">u2", 12, 4)
    second = np.concatenate([each.columns[20 * each.records :] for each in found])
    arrival, timestamp, ssrc = fours
    length, sequence, offset, payload = twos
    if np.count_nonzero(offset > length) or np.count_nonzero(payload > length - offset):
        return None
    is_rtcp = offset == 0
    if np.count_nonzero(is_rtcp):
        is_rtcp &= payload > 0
        payload *= ~is_rtcp
    rtcp = _cut(found, is_rtcp, length)
    if rtcp is None:
        return None
    starts_us = np.array([each.start_us for each in found], np.int64)
    arrival_us = starts_us.repeat([each.records for each in found])
    arrival_us += arrival
    headers = Headers(sequence, timestamp, ssrc, second, offset, payload)
    return Trailer(length.astype(np.int64), arrival_us, is_rtcp, headers, rtcp)


def _columns(
    found: Sequence[FoundTrailer], dtype: str, before: int, count: int
) -> NDArray[np.unsignedinteger]:
    """So many columns of a type, of all trailers: [columns, records].

    Args:
        found: the trailers.
        dtype: of the columns, as they stand there.
        before: bytes of a row in the columns before them.
        count: how many.
    """
    wide = np.dtype(dtype)
    width = count * wide.itemsize
    # Bytes are put together first: numbers that lie at odd places take twice the time to turn.
    blocks = [
        each.columns[before * each.records : (before + width) * each.records].reshape(
            count, wide.itemsize * each.records
        )
        for each in found
    ]
    return np.concatenate(blocks, axis=1).view(wide).astype(wide.newbyteorder("="))


def _joined(records: memoryview) -> memoryview | None:
    """What these records hold together; None if they are not those of a trailer."""
    before = RECORD_HEADER + _APP_HEADER.size
    pieces = []
    for at in range(0, len(records), before + _PIECE):
        piece = records[at + before : at + before + _PIECE]
        if records[at + RECORD_HEADER : at + before] != _app_header(len(piece)):
            return None
        pieces.append(piece)
    if not pieces:
        return None
    return pieces[0] if len(pieces) == 1 else memoryview(b"".join(pieces))


def _cut(
    found: Sequence[FoundTrailer], is_rtcp: NDArray[np.bool_], length: NDArray[np.uint16]
) -> tuple[bytes, ...] | None:
    """The RTCP packets of trailers; None if they are not as long as is told.

    Args:
        found: the trailers.
        is_rtcp: of each record.
        length: of each record.
    """
    if not np.count_nonzero(is_rtcp):
        return None if any(each.rtcp for each in found) else ()
    rows = is_rtcp.nonzero()[0]
    sizes = length[rows].tolist()
    ends = rows.searchsorted(list(accumulate(each.records for each in found))).tolist()
    packets: list[bytes] = []
    for each, (begin, end) in zip(found, pairwise((0, *ends)), strict=True):
        edges = list(accumulate(sizes[begin:end], initial=0))
        if edges[-1] != len(each.rtcp):
            return None
        packets += (each.rtcp[a:z] for a, z in pairwise(edges))
    return tuple(packets)


def is_trailer(packet: memoryview) -> bool:
    """Whether an RTCP packet is one of the APP packets that a chunk ends with."""
    if len(packet) < _APP_HEADER.size:
        return False
    _, packet_type, _, _, name = _APP_HEADER.unpack_from(packet)
    return bool(packet_type == _APP and name == _NAME)
