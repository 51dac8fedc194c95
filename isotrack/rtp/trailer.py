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
import zlib
from typing import NamedTuple

import numpy as np
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


class Trailer(NamedTuple):
    """What a trailer says of the records before it: columns, a row for each record."""

    length: NDArray[np.int64]
    arrival_us: NDArray[np.int64]
    is_rtcp: NDArray[np.bool_]
    headers: Headers
    rtcp: tuple[bytes, ...]
    """The RTCP packets among them."""
    size: int
    """Bytes of the trailer's records."""


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
    told += _END.pack(zlib.crc32(told), size)
    pieces = [told[at : at + _PIECE] for at in starts]
    return [_app_header(len(piece)) + piece for piece in pieces]


def _app_header(size: int) -> bytes:
    """What stands before a piece of so many bytes, a whole number of words."""
    return _APP_HEADER.pack(0x80 | _SUBTYPE, _APP, (_APP_HEADER.size + size) // 4 - 1, 0, _NAME)


def read_trailer(tail: NDArray[np.uint8]) -> Trailer | None:
    """The trailer that a chunk ends with; None if it has none, or not all of it is in `tail`."""
    if tail.size < _END.size:
        return None
    crc, size = _END.unpack_from(tail.data, tail.size - _END.size)
    told = None if size > tail.size else _joined(tail[tail.size - size :])
    if told is None or told.size < _FIXED.size + _END.size:
        return None
    count, rtcp_bytes, start_us = _FIXED.unpack_from(told.data)
    begin, end = _FIXED.size, told.size - _END.size
    if not 0 <= end - begin - count * _ROW - rtcp_bytes < 8 or start_us >> 62:
        return None
    if zlib.crc32(told[:end].data) != crc:
        return None
    fours = np.ndarray((3, count), ">u4", told.data, begin).astype(np.uint32)
    twos = np.ndarray((4, count), ">u2", told.data, begin + 12 * count).astype(np.uint16)
    ones = np.ndarray((count,), np.uint8, told.data, begin + 20 * count)
    arrival, timestamp, ssrc = fours
    length, sequence, offset, payload = twos
    begin += count * _ROW
    is_rtcp = (offset == 0) & (payload > 0)
    longs = length.astype(np.int64)
    if (np.add(offset, payload, dtype=np.int64) > longs).any():
        return None
    rtcp_length = longs[is_rtcp]
    if rtcp_length.sum() != rtcp_bytes:
        return None
    payload[is_rtcp] = 0
    headers = Headers(sequence, timestamp, ssrc, ones.copy(), offset, payload)
    rtcp = _cut(told[begin : begin + rtcp_bytes].tobytes(), rtcp_length)
    return Trailer(longs, arrival + np.int64(start_us), is_rtcp, headers, rtcp, size)


def _joined(records: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """What these records hold together; None if they are not those of a trailer."""
    before = RECORD_HEADER + _APP_HEADER.size
    pieces = []
    for at in range(0, records.size, before + _PIECE):
        piece = records[at + before : at + before + _PIECE]
        if records[at + RECORD_HEADER : at + before].tobytes() != _app_header(piece.size):
            return None
        pieces.append(piece)
    if not pieces:
        return None
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


def _cut(together: bytes, length: NDArray[np.int64]) -> tuple[bytes, ...]:
    ends = np.cumsum(length)
    begins = (ends - length).tolist()
    return tuple(together[a:z] for a, z in zip(begins, ends.tolist(), strict=True))


def is_trailer(packet: memoryview) -> bool:
    """Whether an RTCP packet is one of the APP packets that a chunk ends with."""
    if len(packet) < _APP_HEADER.size:
        return False
    _, packet_type, _, _, name = _APP_HEADER.unpack_from(packet)
    return bool(packet_type == _APP and name == _NAME)
