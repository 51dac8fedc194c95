"""RTP header extensions (RFC 8285), one-byte and two-byte, packet by packet as they are mixed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isotrack.rtp.gather import gather
from isotrack.rtp.packet import Packets
from isotrack.rtp.records import FIXED_HEADER

_ONE_BYTE = 0xBEDE
_STOP = 15  # reserved in the one-byte form: what follows is not read
_TWO_BYTE = 0x1000
_TWO_BYTE_MASK = 0xFFF0


def element(packets: Packets, identifier: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each packet's element of that id begins, and its length in bytes.

    The offset is -1 where a packet has none. Elements may be empty (two-byte form only). What
    stands behind a malformed element is not read (RFC 8285 section 4.2).
    """
    offset = np.full(packets.count, -1, np.int64)
    length = np.zeros(packets.count, np.int64)
    extended, profile, body, body_end = _blocks(packets)
    for two_byte in (False, True):
        mask, kind = (_TWO_BYTE_MASK, _TWO_BYTE) if two_byte else (0xFFFF, _ONE_BYTE)
        chosen = profile & mask == kind
        rows, at, end = extended[chosen], body[chosen], body_end[chosen]
        # One turn reads one element of every packet that has not shown the wanted one so far.
        while rows.size:
            unread = at + two_byte < end
            rows, at, end = rows[unread], at[unread], end[unread]
            found, size = _read_header(packets.buffer, at, two_byte)
            is_padding = found == 0
            begin = np.where(is_padding, at + 1, at + 1 + two_byte)
            sound = (begin + size <= end) & (two_byte | (found != _STOP))
            wanted = sound & (found == identifier) & ~is_padding
            offset[rows[wanted]], length[rows[wanted]] = begin[wanted], size[wanted]
            go_on = sound & ~wanted
            rows, end = rows[go_on], end[go_on]
            at = (begin + size)[go_on]
    return offset, length


def _blocks(
    packets: Packets,
) -> tuple[NDArray[np.int64], NDArray[np.uint16], NDArray[np.int64], NDArray[np.int64]]:
    """The packets with a header extension, what defines it, where its body begins and ends."""
    flags = packets.buffer[packets.packet_offset]
    extended = np.flatnonzero(flags & 0x10)
    body = packets.packet_offset[extended] + FIXED_HEADER + 4 * (flags[extended] & 15) + 4
    # A trailer may lie: what it calls the payload may begin within the header.
    behind = packets.payload_offset[extended]
    inside = body <= behind
    extended, body, behind = extended[inside], body[inside], behind[inside]
    header = gather(packets.buffer, body - 4, 4).view(">u2")
    end = np.minimum(body + 4 * header[:, 1].astype(np.int64), behind)
    return extended, header[:, 0], body, end


def _read_header(
    buffer: NDArray[np.uint8], at: NDArray[np.int64], two_byte: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Id and length of the elements at these places; a padding byte has id 0 and length 0.

    In the one-byte form, id 0 with a length is as malformed as the reserved id.
    """
    first = buffer[at].astype(np.int64)
    if two_byte:
        return first, np.where(first == 0, 0, buffer[np.minimum(at + 1, buffer.size - 1)])
    identifier = np.where((first > 0) & (first < 16), _STOP, first >> 4)
    return identifier, np.where(first == 0, 0, (first & 15) + 1)
