"""AV1 over RTP (AOM, RTP Payload Format for AV1, version 1.0.0): temporal units out and in.

Matroska wants every OBU to say its size; on the wire hardly any does. OBU header and size are
written right before the payload, over bytes that are needed no more; the payload stays in place:

    packet     [RTP header ..      |aggregation|      OBU header|payload]     W = 1
    becomes    [RTP header ..   OBU header|size                 |payload]     one slice

Only where another element stands right before it, as before the last one of W = 2, do header and
size become a slice of their own, at the end of the RTP header.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs import av1_obu as obu
from isotrack.codecs.av1_elements import (
    CONTINUES,
    NEW_SEQUENCE,
    TO_BE_CONTINUED,
    Elements,
    find_beginnings,
    read_aggregation_headers,
    split_elements,
)
from isotrack.codecs.media import Media, PacketColumns

_MAX_HEADER = 2 + obu.MAX_LEB128


def _kinds(*kinds: int) -> NDArray[np.bool_]:
    """A table that says of each OBU type whether it is one of these."""
    return np.isin(np.arange(16), kinds)


_LEFT_OUT = _kinds(
    obu.TEMPORAL_DELIMITER, obu.REDUNDANT_FRAME_HEADER, obu.TILE_LIST, obu.PADDING
)  # Matroska's AV1 mapping wants none of them, FFmpeg writes none
_BEHIND_OTHERS = _kinds(obu.TILE_GROUP, obu.REDUNDANT_FRAME_HEADER)  # need a frame header before
_FRAMES = _kinds(obu.FRAME_HEADER, obu.FRAME)


class _Obus(NamedTuple):
    """OBUs, whole or not, in the order they were sent: columns."""

    first: NDArray[np.int64]
    """The index of its first element."""
    elements: NDArray[np.int64]
    """How many it has."""
    header: NDArray[np.uint8]
    """[n, 2] first byte and extension."""
    kind: NDArray[np.uint8]
    size: NDArray[np.int64]
    """Bytes of its payload."""
    media: NDArray[np.int64]
    """Where the first byte of its payload stands; -1 if there is none."""
    whole: NDArray[np.bool_]
    scattered: NDArray[np.bool_]
    """Its header and size did not come in one packet."""


def depacketize(packets: PacketColumns) -> Media:
    """The media of AV1 packets: the temporal unit as Matroska wants it (low overhead format).

    Writes over aggregation headers, OBU headers, sizes of elements and the last twelve bytes before
    each payload: header extensions are to be read before.
    """
    header, broken = read_aggregation_headers(packets)
    elements = split_elements(packets, header, broken)
    head = (packets.payload_length > 0) & (header & CONTINUES == 0)
    keyframe = np.zeros(header.size, np.bool_)
    if not elements.packet.size:
        none = np.zeros(0, np.int64)
        return Media(packets.buffer, head, broken, keyframe, none, none, none)
    begins = find_beginnings(packets, header, broken, elements)
    obus = _join(packets.buffer, header, elements, begins)
    broken[elements.packet[~obus.whole.repeat(obus.elements)]] = True
    first = elements.packet[obus.first]
    leads = np.diff(elements.packet, prepend=-1)[obus.first] != 0
    head[first[leads & _BEHIND_OTHERS[obus.kind]]] = False
    _mark_keyframes(packets, obus, first, keyframe)
    return Media(packets.buffer, head, broken, keyframe, *_write(packets, elements, obus))


def _join(
    buffer: NDArray[np.uint8],
    aggregation: NDArray[np.uint8],
    elements: Elements,
    begins: NDArray[np.bool_],
) -> _Obus:
    """The OBUs that the elements make; what stands before their payloads is cut off of them."""
    first = np.flatnonzero(begins)
    last = np.append(first[1:], begins.size) - 1
    is_open = (np.diff(elements.packet, append=-1)[last] != 0) & (
        aggregation[elements.packet[last]] & TO_BE_CONTINUED != 0
    )
    whole = ~is_open & ~elements.continues[first]
    header, readable = _cut_headers(buffer, elements, first)
    scattered = ~readable & (last > first) & whole
    for i in np.flatnonzero(scattered).tolist():
        header[i], readable[i] = _gather_header(buffer, elements, int(first[i]), int(last[i]) + 1)
    media = np.where(elements.length[first] > 0, elements.offset[first], -1)
    for i in np.flatnonzero((media < 0) & (last > first)).tolist():
        run = np.flatnonzero(elements.length[first[i] : last[i] + 1])
        media[i] = elements.offset[first[i] + run[0]] if run.size else -1
    return _Obus(
        first=first,
        elements=last - first + 1,
        header=header,
        kind=header[:, 0] >> np.uint8(3) & np.uint8(15),
        size=np.add.reduceat(elements.length, first),
        media=media,
        whole=whole & readable & (header[:, 0] & obu.FORBIDDEN == 0),
        scattered=scattered,
    )


def _cut_headers(
    buffer: NDArray[np.uint8], elements: Elements, first: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The headers of the OBUs that begin with these elements, cut off of them with the sizes.

    What a size says is not heard: how long an OBU is, its elements tell (edge case 137).

    Returns:
        [n, 2] first byte and extension; and whether header and size end where the element does, or
        before.
    """
    at, length = elements.offset[first], elements.length[first]
    end = buffer.size - 1
    header = np.stack([buffer[np.minimum(at, end)], buffer[np.minimum(at + 1, end)]], axis=1)
    skipped = 1 + (header[:, 0] & obu.HAS_EXTENSION != 0)
    readable = length >= skipped
    sized = np.flatnonzero(header[:, 0] & obu.HAS_SIZE)
    if sized.size:
        _, width = obu.read_leb128s(buffer, at[sized] + skipped[sized], (at + length)[sized])
        readable[sized] &= width > 0
        skipped[sized] += width
    rows = first[readable]
    elements.offset[rows] += skipped[readable]
    elements.length[rows] -= skipped[readable]
    return header, readable


def _gather_header(
    buffer: NDArray[np.uint8], elements: Elements, first: int, end: int
) -> tuple[tuple[int, int], bool]:
    """Header of an OBU whose first element ends in it, cut off of the elements it lies in.

    Returns:
        First byte and extension; and whether the header, and the size if there is one, end.
    """
    joined = b""
    for i in range(first, end):
        at = elements.offset[i]
        joined += buffer[at : at + min(elements.length[i], _MAX_HEADER - len(joined))].tobytes()
    padded = joined + bytes(2)
    skipped = 2 if padded[0] & obu.HAS_EXTENSION else 1
    readable = len(joined) >= skipped
    if padded[0] & obu.HAS_SIZE:
        _, width = obu.read_leb128(joined[skipped:])
        readable &= width > 0
        skipped += width
    for i in range(first, end):
        part = min(skipped, int(elements.length[i]))
        elements.offset[i] += part
        elements.length[i] -= part
        skipped -= part
    return (padded[0], padded[1]), readable


def _mark_keyframes(
    packets: PacketColumns,
    obus: _Obus,
    packet: NDArray[np.int64],
    keyframe: NDArray[np.bool_],
) -> None:
    """Mark the packets with a key frame of temporal units with a sequence header (edge case 139).

    A key frame without one is of no use to begin with, and as good as any other frame to go on.
    """
    sequences = np.flatnonzero(obus.whole & (obus.kind == obu.SEQUENCE_HEADER) & (obus.media >= 0))
    if not sequences.size:
        return
    unit = np.cumsum(np.diff(packets.timestamp, prepend=packets.timestamp[:1]) != 0)
    opens = np.isin(unit, unit[packet[sequences]])
    frames = np.flatnonzero(obus.whole & _FRAMES[obus.kind] & (obus.media >= 0))
    frames = frames[opens[packet[frames]]]
    # show_existing_frame 0, frame_type KEY_FRAME, show_frame 1 (AV1 section 5.9.2).
    is_key = packets.buffer[obus.media[frames]] & 0xF0 == 0x10
    keyframe[packet[frames[is_key]]] = True
    # With reduced_still_picture_header, all frames are key frames and do not say so (5.5.1).
    reduced = packets.buffer[obus.media[sequences]] & 0x08 != 0
    keyframe[packet[sequences[reduced]]] = True


def _write(
    packets: PacketColumns, elements: Elements, obus: _Obus
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Put header and size before the payloads. Gives the last columns of `Media`."""
    kept = obus.whole & ~_LEFT_OUT[obus.kind]
    first, size, header = obus.first[kept], obus.size[kept], obus.header[kept]
    extended = header[:, 0] & obu.HAS_EXTENSION != 0
    limits = 1 << 7 * np.arange(1, obu.MAX_LEB128)
    width = 1 + np.searchsorted(limits, size, side="right")
    room = 1 + extended + width
    place = elements.offset[first] - room
    apart = obus.scattered[kept] | (place < elements.floor[first])
    place[apart] = packets.payload_offset[elements.packet[first[apart]]] - room[apart]

    buffer = packets.buffer
    buffer[place] = header[:, 0] | obu.HAS_SIZE
    buffer[place[extended] + 1] = header[extended, 1]
    at = place + 1 + extended
    for index in range(int(width.max(initial=0))):
        rows = np.flatnonzero(width > index)
        more = np.where(width[rows] > index + 1, 0x80, 0)
        buffer[at[rows] + index] = size[rows] >> 7 * index & 127 | more

    offset, length = elements.offset.copy(), elements.length.copy()
    offset[first[~apart]] -= room[~apart]
    length[first[~apart]] += room[~apart]
    used = kept.repeat(obus.elements) & (length > 0)
    packet, offset, length = elements.packet[used], offset[used], length[used]
    if not apart.any():
        return packet, offset, length
    before = np.cumsum(used)[first[apart]] - used[first[apart]]
    return (
        np.insert(packet, before, elements.packet[first[apart]]),
        np.insert(offset, before, place[apart]),
        np.insert(length, before, room[apart]),
    )


def packetize(temporal_unit: bytes, max_payload: int) -> list[bytes]:
    """The RTP payloads of a temporal unit, none longer than `max_payload`.

    OBUs go without their sizes, up to three elements in a packet, and are cut where it is full.

    Raises:
        ValueError: The payloads have no room for an element.
    """
    if max_payload < 2:
        raise ValueError(f"AV1 payloads of {max_payload} bytes have no room for an element")
    packets: list[list[bytes]] = [[]]
    cuts: list[bool] = []  # whether each packet but the last ends in a fragment
    opens_sequence = False
    for unit in obu.split_unit(temporal_unit):
        if _LEFT_OUT[unit.kind]:
            continue
        opens_sequence |= unit.kind == obu.SEQUENCE_HEADER
        rest = bytes((unit.header[0] & ~obu.HAS_SIZE,)) + unit.header[1:] + unit.payload
        is_begun = False
        while rest:
            room = max_payload - len(_close(packets[-1], sized=True))
            if room < 1 or len(packets[-1]) == 3 or (is_begun and packets[-1]):
                packets.append([])
                cuts.append(is_begun)
                room = max_payload - 1
            packets[-1].append(rest[:room])
            rest, is_begun = rest[room:], True
    flags = [
        (CONTINUES if continues else 0) | (TO_BE_CONTINUED if goes_on else 0)
        for continues, goes_on in zip([False, *cuts], [*cuts, False], strict=True)
    ]
    flags[0] |= NEW_SEQUENCE if opens_sequence else 0
    return [
        bytes((flag | len(elements) << 4,)) + _close(elements, sized=False)[1:]
        for flag, elements in zip(flags, packets, strict=True)
        if elements
    ]


def _close(elements: list[bytes], *, sized: bool) -> bytes:
    """A payload of these elements, the aggregation header 0; the last one sized if asked for."""
    last = len(elements) if sized else len(elements) - 1
    parts = [(obu.leb128(len(e)) if i < last else b"") + e for i, e in enumerate(elements)]
    return b"\0" + b"".join(parts)
