"""RTP header extensions (RFC 8285), one-byte and two-byte, packet by packet as they are mixed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.rtp.gather import gather
from isotrack.rtp.packet import Packets
from isotrack.rtp.records import FIXED_HEADER

_ONE_BYTE = 0xBEDE
_STOP = 15  # reserved in the one-byte form: what follows is not read
_TWO_BYTE = 0x1000
_TWO_BYTE_MASK = 0xFFF0

_SEEN = 24  # bytes of a block, its header among them, in which layouts are alike or not
_LAYOUTS = 3  # how many are looked for: senders use one or two


def element(packets: Packets, identifier: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each packet's element of that id begins, and its length in bytes.

    The offset is -1 where a packet has none. Elements may be empty (two-byte form only). What
    stands behind a malformed element is not read (RFC 8285 section 4.2).
    """
    blocks = _blocks(packets)
    offset = np.full(packets.count, -1, np.int64)
    length = np.zeros(packets.count, np.int64)
    for _ in range(_LAYOUTS):
        layout = _first_layout(packets.buffer, blocks, identifier)
        if layout is None:
            break
        alike = layout.fits(packets.buffer, blocks)
        found = blocks.kept(alike)
        if layout.offset is not None and found.row.size == packets.count:
            return found.begin + layout.offset, np.full(packets.count, layout.length)
        if layout.offset is not None:
            offset[found.row] = found.begin + layout.offset
            length[found.row] = layout.length
        blocks = blocks.kept(~alike)
    if blocks.row.size:
        _search(packets.buffer, blocks, identifier, offset, length)
    return offset, length


class _Blocks(NamedTuple):
    """Header extensions: columns."""

    row: NDArray[np.int64]
    """The packet each belongs to."""
    begin: NDArray[np.int64]
    """Where its header begins, which tells what defines it and how many words follow."""
    behind: NDArray[np.int64]
    """Where the payload begins: no extension goes on for longer, whatever it says."""

    def kept(self, mask: NDArray[np.bool_]) -> _Blocks:
        """Those of a mask."""
        rows = mask.nonzero()[0]
        return self if rows.size == mask.size else _Blocks(*(each[rows] for each in self))


class _Layout(NamedTuple):
    """What the header extensions of many packets have in common, but for what elements hold."""

    mask: NDArray[np.uint64]
    """Of the first `_SEEN` bytes, by eight: the headers of the elements up to the wanted one."""
    value: NDArray[np.uint64]
    """What is under it."""
    size: int
    """Bytes of the block."""
    offset: int | None
    """Of the wanted element in the block; None where it has none."""
    length: int

    def fits(self, buffer: NDArray[np.uint8], blocks: _Blocks) -> NDArray[np.bool_]:
        """Which blocks are laid out like this."""
        fits = blocks.behind - blocks.begin >= self.size
        fits &= blocks.begin <= buffer.size - _SEEN
        begin = blocks.begin * fits  # where it does not fit any place will do
        words = gather(buffer, begin, _SEEN).view(np.uint64)
        for i in self.mask.nonzero()[0].tolist():
            fits &= words[:, i] & self.mask[i] == self.value[i]
        return fits


def _first_layout(buffer: NDArray[np.uint8], blocks: _Blocks, identifier: int) -> _Layout | None:
    """The layout of the first block, if there is one and it can be told."""
    if not blocks.row.size:
        return None
    begin = int(blocks.begin[0])
    seen = buffer[begin : begin + _SEEN].tobytes()
    size = 4 + 4 * int.from_bytes(seen[2:4])
    if len(seen) < _SEEN or size > int(blocks.behind[0]) - begin:
        return None
    kind = int.from_bytes(seen[:2])
    two_byte = kind & _TWO_BYTE_MASK == _TWO_BYTE
    mask, offset, length = bytearray(b"\xff" * 4 + bytes(_SEEN - 4)), None, 0
    at = 4 if two_byte or kind == _ONE_BYTE else size
    while at + two_byte < size:
        if at + two_byte >= _SEEN:
            return None
        mask[at] = 0xFF
        if not seen[at]:  # padding
            at += 1
            continue
        if two_byte:
            mask[at + 1] = 0xFF
            found, held = seen[at], seen[at + 1]
        else:
            found, held = seen[at] >> 4 or _STOP, (seen[at] & 15) + 1
        at += 1 + two_byte
        if at + held > size or (found == _STOP and not two_byte):
            break
        if found == identifier:
            offset, length = at, held
            break
        at += held
    masked = np.frombuffer(mask, np.uint64)
    return _Layout(masked, masked & np.frombuffer(seen, np.uint64), size, offset, length)


def _search(
    buffer: NDArray[np.uint8],
    blocks: _Blocks,
    identifier: int,
    offset: NDArray[np.int64],
    length: NDArray[np.int64],
) -> None:
    """Note the wanted elements of blocks of any layout at the rows of their packets."""
    # A trailer may lie: what it calls the payload may begin within the header.
    blocks = blocks.kept(blocks.begin + 4 <= blocks.behind)
    header = gather(buffer, blocks.begin, 4).view(">u2")
    profile, body = header[:, 0], blocks.begin + 4
    body_end = np.minimum(body + 4 * header[:, 1].astype(np.int64), blocks.behind)
    for two_byte in (False, True):
        mask, kind = (_TWO_BYTE_MASK, _TWO_BYTE) if two_byte else (0xFFFF, _ONE_BYTE)
        chosen = profile & mask == kind
        rows, at, end = blocks.row[chosen], body[chosen], body_end[chosen]
        # One turn reads one element of every packet that has not shown the wanted one so far.
        while rows.size:
            unread = at + two_byte < end
            rows, at, end = rows[unread], at[unread], end[unread]
            found, size = _read_header(buffer, at, two_byte)
            is_padding = found == 0
            begin = np.where(is_padding, at + 1, at + 1 + two_byte)
            sound = (begin + size <= end) & (two_byte | (found != _STOP))
            wanted = sound & (found == identifier) & ~is_padding
            offset[rows[wanted]], length[rows[wanted]] = begin[wanted], size[wanted]
            go_on = sound & ~wanted
            rows, end = rows[go_on], end[go_on]
            at = (begin + size)[go_on]


def _blocks(packets: Packets) -> _Blocks:
    """The header extensions of those packets that have one."""
    flags = packets.buffer.take(packets.packet_offset)
    begin = packets.packet_offset + FIXED_HEADER
    begin += 4 * (flags & 15)
    blocks = _Blocks(np.arange(packets.count), begin, packets.payload_offset)
    return blocks.kept(flags & 0x10 > 0)


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
