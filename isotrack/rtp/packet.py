"""RTP packets (RFC 3550 section 5.1): the headers of a whole dump, read at once into columns."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.rtp.dump import Records
from isotrack.rtp.gather import gather

#  0                   1                   2                   3
#  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
# +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
# |V=2|P|X|  CC   |M|     PT      |       sequence number         |
# |                           timestamp                           |
# |                             SSRC                              |
# |                 CSRC, CC times; then, if X:                   |
# |      profile                  |  length of the rest in words  |
_FIXED_HEADER = 12


class Packets(NamedTuple):
    """RTP packets as columns over one buffer: row i of every column belongs to packet i."""

    buffer: NDArray[np.uint8]
    """The bytes all offsets point into."""
    sequence_number: NDArray[np.uint16]
    timestamp: NDArray[np.uint32]
    marker: NDArray[np.bool_]
    payload_type: NDArray[np.uint8]
    ssrc: NDArray[np.uint32]
    arrival_us: NDArray[np.int64]
    """Unix time in microseconds."""
    payload_offset: NDArray[np.int64]
    """Where the payload begins: CSRCs and header extensions are behind us."""
    payload_length: NDArray[np.int64]
    """Bytes of payload, padding cut; 0 for a packet of padding alone."""
    extension_profile: NDArray[np.uint16]
    """What the header extension is defined by (RFC 8285: 0xBEDE or 0x100X); 0 without one."""
    extension_offset: NDArray[np.int64]
    """Where the body of the header extension begins, behind profile and length."""
    extension_length: NDArray[np.int64]
    """Bytes of the header extension's body."""
    restored: NDArray[np.bool_]
    """Did not arrive as it is: sent again (RTX), a redundant copy (RED) or computed (FEC). When it
    came says nothing about the sender's clock, and what came itself goes before it."""

    @property
    def count(self) -> int:  # type: ignore[override]  # not tuple.count: these are columns
        """How many packets these are; `len` is the number of columns."""
        return self.sequence_number.size

    def take(self, selection: NDArray[np.bool_] | NDArray[np.integer]) -> Packets:
        """The packets a mask or an array of indexes selects, over the same buffer."""
        columns: list[NDArray[Any]] = [column[selection] for column in self[1:]]
        return Packets(self.buffer, *columns)


def read_packets(records: Records) -> tuple[Packets, int]:
    """The RTP packets among the records, and how many more were malformed and dropped."""
    is_rtp = ~records.is_rtcp
    offset, length = records.offset[is_rtp], records.length[is_rtp]
    long_enough = length >= _FIXED_HEADER
    offset, length = offset[long_enough], length[long_enough]
    arrival_us = records.arrival_us[is_rtp][long_enough]
    buffer = records.buffer
    header = gather(buffer, offset, _FIXED_HEADER)
    flags, end = header[:, 0], offset + length

    profile, body, payload = _read_extension(buffer, flags, offset, end)
    padding = np.where(flags & 0x20, buffer[end - 1], 0).astype(np.int64)
    payload_length = end - padding - payload
    valid = (flags >> 6 == 2) & (payload_length >= 0) & ((flags & 0x20 == 0) | (padding > 0))
    words = header.view(">u4")
    packets = Packets(
        buffer,
        header.view(">u2")[:, 1].astype(np.uint16),
        words[:, 1].astype(np.uint32),
        header[:, 1] > 127,
        header[:, 1] & np.uint8(127),
        words[:, 2].astype(np.uint32),
        arrival_us,
        payload,
        payload_length,
        profile,
        body,
        payload - body,
        np.zeros(len(header), np.bool_),
    )
    malformed = int(is_rtp.sum() - valid.sum())
    return (packets if valid.all() else packets.take(valid)), malformed


def _read_extension(
    buffer: NDArray[np.uint8],
    flags: NDArray[np.uint8],
    offset: NDArray[np.int64],
    end: NDArray[np.int64],
) -> tuple[NDArray[np.uint16], NDArray[np.int64], NDArray[np.int64]]:
    """The profile of each header extension, where its body begins and where it ends.

    What does not fit in the packet ends behind the packet's end, for the caller to see.
    """
    payload = offset + _FIXED_HEADER + 4 * (flags & 15).astype(np.int64)
    profile = np.zeros(offset.size, np.uint16)
    body = payload.copy()
    extended = np.flatnonzero(flags & 0x10)
    payload[extended] += 4
    body[extended] += 4
    extended = extended[payload[extended] <= end[extended]]
    header = gather(buffer, payload[extended] - 4, 4).view(">u2")
    profile[extended] = header[:, 0]
    payload[extended] += 4 * header[:, 1].astype(np.int64)
    return profile, body, payload
