"""OBU elements: the OBUs, and fragments of them, in AV1's RTP packets (AV1 RTP section 4.4).

The aggregation header, which every payload begins with:

     0 1 2 3 4 5 6 7
    +-+-+-+-+-+-+-+-+
    |Z|Y| W |N|-|-|-|  Z: the first element continues an OBU, Y: the last one is to be continued
    +-+-+-+-+-+-+-+-+  W: how many elements, or 0; N: a coded video sequence begins

Each element stands behind its length in LEB128, but for the last one where W tells which that is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs.av1_obu import read_leb128s
from isotrack.codecs.media import PacketColumns

CONTINUES, TO_BE_CONTINUED, NEW_SEQUENCE = 0x80, 0x40, 0x08
"""Bits of the aggregation header."""

DEAD = 12
"""Bytes before each payload that may be written over: the fixed RTP header, if nothing else."""

_MAX_ELEMENTS = 2048
"""Elements of one packet that are read: more than an MTU's bytes, zeros at its end among them."""


class Elements(NamedTuple):
    """OBU elements in the order they were sent, as columns."""

    packet: NDArray[np.int64]
    """The index of the packet it lies in."""
    offset: NDArray[np.int64]
    length: NDArray[np.int64]
    """Its bytes: 0 only of one that continues an OBU without adding to it."""
    floor: NDArray[np.int64]
    """From here up to the element, nothing is needed any more."""
    continues: NDArray[np.bool_]
    """Says that it is not the beginning of its OBU."""


def read_aggregation_headers(packets: PacketColumns) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The aggregation header of each packet, 0 without payload; and if it contradicts itself.

    A coded video sequence cannot begin with what continues an OBU (edge case 135).
    """
    header = np.zeros(packets.payload_length.size, np.uint8)
    filled = np.flatnonzero(packets.payload_length > 0)
    header[filled] = packets.buffer[packets.payload_offset[filled]]
    impossible = CONTINUES | NEW_SEQUENCE
    return header, header & impossible == impossible


def split_elements(
    packets: PacketColumns, header: NDArray[np.uint8], broken: NDArray[np.bool_]
) -> Elements:
    """The elements of the packets that are not broken.

    A packet is marked as broken at an element that is longer than what is left of it; those before
    are kept.
    """
    turns = list(_turns(packets, header, broken))
    if len(turns) == 1:
        return turns[0]
    columns: list[NDArray[Any]] = [np.concatenate(column) for column in zip(*turns, strict=True)]
    order = np.argsort(columns[0], kind="stable")
    return Elements(*(column[order] for column in columns))


def _turns(
    packets: PacketColumns, header: NDArray[np.uint8], broken: NDArray[np.bool_]
) -> Iterator[Elements]:
    """The first element of every packet, then the second of those that have one, and so on."""
    rows = np.flatnonzero((packets.payload_length > 0) & ~broken)
    floor = packets.payload_offset[rows] - DEAD
    at = packets.payload_offset[rows] + 1
    end = at - 1 + packets.payload_length[rows]
    continues = header[rows] & CONTINUES != 0
    for turn in range(1, _MAX_ELEMENTS + 1):
        begin, size = at.copy(), end - at
        sized = np.flatnonzero((header[rows] >> 4 & 3 != turn) & (size > 0))
        size[sized], width = read_leb128s(packets.buffer, at[sized], end[sized])
        begin[sized] += width
        sound = begin + size <= end
        sound[sized] &= width > 0
        broken[rows[~sound]] = True
        kept = sound & ((size > 0) | continues)
        yield Elements(rows[kept], begin[kept], size[kept], floor[kept], continues[kept])
        at = begin + size
        more = sound & (at < end)
        if not more.any():
            return
        rows, at, end = rows[more], at[more], end[more]
        floor, continues = at, np.zeros(rows.size, np.bool_)
    broken[rows] = True


def find_beginnings(
    packets: PacketColumns,
    header: NDArray[np.uint8],
    broken: NDArray[np.bool_],
    elements: Elements,
) -> NDArray[np.bool_]:
    """Whether each element does not continue the one before: those in between make an OBU.

    It does where it says so, and where the packet before is the one that was sent before, of the
    same temporal unit, and is to be continued. Packets without payload may stand in between.
    """
    holds = np.bincount(elements.packet, minlength=header.size) > 0
    rows = np.flatnonzero(packets.payload_length > 0)
    before, after = rows[:-1], rows[1:]
    usable = holds & ~broken
    sequence, timestamp = packets.sequence_number, packets.timestamp
    linked = np.zeros(header.size, np.bool_)
    linked[after] = (
        usable[before]
        & usable[after]
        & (header[before] & TO_BE_CONTINUED != 0)
        & (sequence[after] - sequence[before] == (after - before).astype(np.uint16))
        & (timestamp[after] == timestamp[before])
    )
    return ~(elements.continues & linked[elements.packet])
