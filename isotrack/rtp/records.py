"""Packets as a dump holds them: where they lie, when they came, and what their headers say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.rtp.gather import gather

#  0                   1                   2                   3
#  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
# +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
# |V=2|P|X|  CC   |M|     PT      |       sequence number         |
# |                           timestamp                           |
# |                             SSRC                              |
# |                 CSRC, CC times; then, if X:                   |
# |      profile                  |  length of the rest in words  |
FIXED_HEADER = 12
"""Bytes of the part of an RTP header that every packet has (RFC 3550 section 5.1)."""


class Headers(NamedTuple):
    """RTP headers: a row for each packet, zeros where it is no sound RTP packet."""

    sequence_number: NDArray[np.uint16]
    timestamp: NDArray[np.uint32]
    ssrc: NDArray[np.uint32]
    second: NDArray[np.uint8]
    """The second byte: marker and payload type."""
    payload_offset: NDArray[np.uint16]
    """From the packet's first byte, behind CSRCs and header extensions; 0: not sound, or RTCP."""
    payload_length: NDArray[np.uint16]
    """Bytes of payload, padding cut; 0 for a packet of padding alone."""

    def part(self, begin: int, end: int) -> Headers:
        """The rows from one on and before another."""
        columns: list[Any] = [column[begin:end] for column in self]
        return Headers(*columns)


class Records(NamedTuple):
    """The packets of a dump, in the order they were written, as columns over one buffer."""

    buffer: NDArray[np.uint8]
    """Writable: it is worked in. What precedes a packet (record header, RTP header) may be lost."""
    offset: NDArray[np.int64]
    """Where each packet begins in the buffer."""
    length: NDArray[np.int64]
    """Bytes of each packet."""
    arrival_us: NDArray[np.int64]
    """Arrival of each packet, Unix time in microseconds."""
    is_rtcp: NDArray[np.bool_]
    """True for RTCP, False for RTP."""
    headers: Headers
    intact: bool
    """False if the file ends torn, holds cut packets, or its trailer contradicts it."""


def joined(buffer: NDArray[np.uint8], parts: Sequence[Records]) -> Records:
    """The records of several dumps that lie in one buffer, at least one, as those of one."""
    if len(parts) == 1:
        return parts[0]
    headers: Any = zip(*(part.headers for part in parts), strict=True)
    return Records(
        buffer,
        np.concatenate([part.offset for part in parts]),
        np.concatenate([part.length for part in parts]),
        np.concatenate([part.arrival_us for part in parts]),
        np.concatenate([part.is_rtcp for part in parts]),
        Headers(*map(np.concatenate, headers)),
        all(part.intact for part in parts),
    )


def read_headers(
    buffer: NDArray[np.uint8],
    offset: NDArray[np.int64],
    length: NDArray[np.int64],
    is_rtcp: NDArray[np.bool_],
) -> Headers:
    """The RTP headers of packets in a buffer; of RTCP and what is too short only zeros.

    A packet is sound when it is of version 2 and its CSRCs, header extension and padding fit in it;
    padding is at least one byte where the header announces any.
    """
    rows = np.flatnonzero(~is_rtcp & (length >= FIXED_HEADER))
    at, end = offset[rows], (offset + length)[rows]
    fixed = gather(buffer, at, FIXED_HEADER)
    flags = fixed[:, 0]
    payload = at + FIXED_HEADER + 4 * (flags & 15).astype(np.int64)
    extended = np.flatnonzero(flags & 0x10)
    payload[extended] += 4
    extended = extended[payload[extended] <= end[extended]]
    words = gather(buffer, payload[extended] - 4, 4).view(">u2")[:, 1]
    payload[extended] += 4 * words.astype(np.int64)
    padding = np.where(flags & 0x20, buffer[end - 1], 0).astype(np.int64)
    size = end - padding - payload
    sound = (flags >> 6 == 2) & (size >= 0) & ((flags & 0x20 == 0) | (padding > 0))

    def column(values: NDArray[Any], dtype: type[Any]) -> NDArray[Any]:
        whole = np.zeros(length.size, dtype)
        whole[rows] = np.where(sound, values, 0)
        return whole

    return Headers(
        column(fixed.view(">u2")[:, 1], np.uint16),
        column(fixed.view(">u4")[:, 1], np.uint32),
        column(fixed.view(">u4")[:, 2], np.uint32),
        column(fixed[:, 1], np.uint8),
        column(payload - at, np.uint16),
        column(size, np.uint16),
    )
