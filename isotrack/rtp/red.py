"""Redundant audio (RFC 2198): packets that bring copies of those before them along.

A RED payload is a header for each block, and then the blocks in the same order: first the copies,
the oldest first, and last the primary block, the one that the packet's own timestamp is of. A
copy's header has four bytes, the primary's one (section 3):

     0                   1                    2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3  4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |1|   block PT  |  timestamp offset         |   block length    |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |0|   block PT  |
    +-+-+-+-+-+-+-+-+
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.rtp.gather import gather
from isotrack.rtp.packet import Packets

MAX_COPIES = 31
"""A payload with more copies than this is malformed; libwebrtc draws the line there too."""

_COPY_HEADER = 4
_MAX_OFFSET = (1 << 14) - 1
_MAX_LENGTH = (1 << 10) - 1


class Copy(NamedTuple):
    """A redundant block to be written."""

    payload_type: int
    ticks: int
    """By how much it is older than the primary block."""
    payload: bytes


class _Payloads(NamedTuple):
    """RED payloads as read: a row for each payload, and below it a row for each copy."""

    sound: NDArray[np.bool_]
    payload_type: NDArray[np.uint8]
    """Of the primary block."""
    primary: NDArray[np.int64]
    """Where the primary block begins; up to the payload's end it is all there is."""
    owner: NDArray[np.int64]
    """Per copy: the row of its payload, never falling."""
    copy_type: NDArray[np.int64]
    ticks: NDArray[np.int64]
    distance: NDArray[np.int64]
    """Per copy: by how many packets it is older, each block being one."""
    offset: NDArray[np.int64]
    length: NDArray[np.int64]


def split(packets: Packets, red_payload_type: int, media_payload_types: Sequence[int]) -> Packets:
    """The packets with RED taken apart: primary blocks in its place, and before them their copies.

    A primary block keeps all of its packet but the payload type. A copy that may be needed becomes
    a packet of its own, `restored`, with the number and the timestamp it had at first; its header
    extensions are those of the packet that brought it. Left out are copies of packets that are
    among these, and packets whose blocks do not fit in them or that hold RED again: those count as
    missing, so that a later copy can take their place. Blocks overlap the headroom of those behind
    them: they are to be moved apart before anything is written in front of one.

    Args:
        packets: in any order, of any payload type and SSRC.
        red_payload_type: of RED.
        media_payload_types: a copy of any other payload type is passed over.
    """
    # Padding alone is no RED, whatever its payload type: it came, and brings nothing.
    red = np.flatnonzero((packets.payload_type == red_payload_type) & (packets.payload_length > 0))
    if not red.size:
        return packets
    found = _read(packets, red)
    sound = found.sound & (found.payload_type != red_payload_type)
    lead = found.primary - packets.payload_offset[red]
    payload_type = packets.payload_type.copy()
    payload_offset, payload_length = packets.payload_offset.copy(), packets.payload_length.copy()
    payload_type[red] = found.payload_type
    payload_offset[red] += lead
    payload_length[red] -= lead
    kept = np.ones(packets.count, np.bool_)
    kept[red[~sound]] = False
    primaries = packets._replace(
        payload_type=payload_type, payload_offset=payload_offset, payload_length=payload_length
    )
    useful = sound[found.owner] & (found.ticks > 0) & (found.length > 0)
    useful &= np.isin(found.copy_type, media_payload_types)
    copies, source = _copies(packets, red, found, np.flatnonzero(useful))
    wanted = ~np.isin(_identity(copies), _identity(primaries.take(kept)))
    return _merge(primaries, np.flatnonzero(kept), copies.take(wanted), source[wanted])


def _read(packets: Packets, red: NDArray[np.int64]) -> _Payloads:
    """The blocks of RED payloads; each turn reads one header of every payload that has more."""
    buffer, begin = packets.buffer, packets.payload_offset[red]
    end = begin + packets.payload_length[red]
    payload_type = np.zeros(red.size, np.uint8)
    primary = np.full(red.size, -1, np.int64)
    owners = [np.zeros(0, np.int64)]
    words = [np.zeros(0, np.int64)]
    rows = np.arange(red.size)
    for turn in range(MAX_COPIES + 1):
        at = begin[rows] + _COPY_HEADER * turn
        rows, at = rows[at < end[rows]], at[at < end[rows]]
        first = buffer[at]
        last = first < 128
        payload_type[rows[last]] = first[last]
        primary[rows[last]] = at[last] + 1
        more = ~last & (at + _COPY_HEADER <= end[rows])
        rows = rows[more]
        if not rows.size:
            break
        owners.append(rows)
        words.append(gather(buffer, at[more], _COPY_HEADER).view(">u4")[:, 0].astype(np.int64))
    owner = np.concatenate(owners)
    order = np.argsort(owner, kind="stable")
    return _lay_out(payload_type, primary, end, owner[order], np.concatenate(words)[order])


def _lay_out(
    payload_type: NDArray[np.uint8],
    headers_end: NDArray[np.int64],
    end: NDArray[np.int64],
    owner: NDArray[np.int64],
    word: NDArray[np.int64],
) -> _Payloads:
    """Where the blocks lie, given where their headers end (-1: nowhere) and the copies' headers."""
    length = word & _MAX_LENGTH
    count = np.bincount(owner, minlength=end.size)
    total = np.bincount(owner, length, minlength=end.size).astype(np.int64)
    before = np.cumsum(length) - length  # bytes of all copies before each one
    first = np.cumsum(count) - count
    within = before - np.repeat(np.cumsum(total) - total, count)
    return _Payloads(
        sound=(headers_end >= 0) & (headers_end + total <= end),
        payload_type=payload_type,
        primary=headers_end + total,
        owner=owner,
        copy_type=word >> 24 & 127,
        ticks=word >> 10 & _MAX_OFFSET,
        distance=count[owner] + first[owner] - np.arange(owner.size),
        offset=headers_end[owner] + within,
        length=length,
    )


def _copies(
    packets: Packets, red: NDArray[np.int64], found: _Payloads, chosen: NDArray[np.int64]
) -> tuple[Packets, NDArray[np.int64]]:
    """The chosen copies as packets, and the rows of the packets that brought them."""
    source = red[found.owner[chosen]]
    packets = packets.take(source)
    numbers = packets.sequence_number - found.distance[chosen]
    copies = packets._replace(
        sequence_number=(numbers & 0xFFFF).astype(np.uint16),
        timestamp=(packets.timestamp - found.ticks[chosen] & 0xFFFFFFFF).astype(np.uint32),
        marker=np.zeros(chosen.size, np.bool_),
        payload_type=found.copy_type[chosen].astype(np.uint8),
        payload_offset=found.offset[chosen],
        payload_length=found.length[chosen],
        restored=np.ones(chosen.size, np.bool_),
    )
    return copies, source


def _identity(packets: Packets) -> NDArray[np.int64]:
    """SSRC and sequence number in one."""
    return packets.ssrc.astype(np.int64) << 16 | packets.sequence_number


def _merge(
    packets: Packets, rows: NDArray[np.int64], copies: Packets, source: NDArray[np.int64]
) -> Packets:
    """Rows of packets, and before each of them the copies that it brought."""
    if not copies.count:
        return packets.take(rows)
    pairs: Any = zip(copies[1:], packets[1:], strict=True)
    columns: list[Any] = [np.concatenate((copied, column[rows])) for copied, column in pairs]
    order = np.argsort(np.concatenate((source, rows)), kind="stable")
    return Packets(packets.buffer, *columns).take(order)


def write_red(payload_type: int, payload: bytes, copies: Sequence[Copy] = ()) -> bytes:
    """A RED payload.

    Args:
        payload_type: of the primary block.
        payload: the primary block.
        copies: the redundant blocks, the oldest first.

    Raises:
        ValueError: a field does not fit its bits.
    """
    headers, blocks = bytearray(), bytearray()
    for copy in copies:
        if not 0 <= copy.ticks <= _MAX_OFFSET or len(copy.payload) > _MAX_LENGTH:
            raise ValueError(
                f"a RED block of {len(copy.payload)} bytes, {copy.ticks} ticks back, has no header"
            )
        headers.append(0x80 | _seven_bits(copy.payload_type))
        headers += (copy.ticks << 10 | len(copy.payload)).to_bytes(3, "big")
        blocks += copy.payload
    return bytes((*headers, _seven_bits(payload_type), *blocks, *payload))


def _seven_bits(payload_type: int) -> int:
    if not 0 <= payload_type <= 127:
        raise ValueError(f"RED block payload type {payload_type} is not in 0..127")
    return payload_type
