"""H.264 over RTP (RFC 6184, packetization modes 0 and 1): NAL units out of packets and into them.

Matroska wants each NAL unit behind its length in four bytes. What a packet lacks for that is
written over the end of its RTP header, which is dead by now; payloads stay as they are:

    single   [RTP header .. length|NAL unit]                        length with NAL unit: one slice
    STAP-A   [RTP header .. 0 0|STAP-A|size|NAL unit|size|NAL ..]   0 0, size with NAL unit; again
    FU-A     [RTP header .. length, NAL header|FU headers|fragment] length with header, fragment
             [RTP header                      |FU headers|fragment] fragment
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs.media import Media, PacketColumns

_IDR = 5
_PREFIX = 14
_STAP_A = 24
_FU_A = 28
_FU_HEADERS = 2
_LENGTH = 4


def _kinds(*kinds: int) -> NDArray[np.bool_]:
    """A table that says of each NAL unit type whether it is one of these."""
    return np.isin(np.arange(32), kinds)


_SLICE_HEADER = _kinds(1, 2, 5)  # types that begin with first_mb_in_slice
_OPENING = _kinds(6, 7, 8, 9, 15, 16, 17, 18)  # what stands before a picture (7.4.1.2.3)
_OF_RTP = _kinds(24, 25, 26, 27, 28, 29)  # RFC 6184's own
_UNREADABLE = _kinds(25, 26, 27, 29)  # of the interleaved mode, which WebRTC never negotiates
_LEFT_OUT = _OF_RTP | _kinds(0, 14, 15, 20, 30, 31)  # unspecified, of SVC and MVC, PACSI


class _NalUnits(NamedTuple):
    """NAL units that lie in one piece in packets."""

    packet: NDArray[np.int64]
    offset: NDArray[np.int64]
    length: NDArray[np.int64]


class _Slices(NamedTuple):
    """The last columns of `Media`, not yet in the order of the packets."""

    packet: NDArray[np.int64]
    offset: NDArray[np.int64]
    length: NDArray[np.int64]


class _Findings(NamedTuple):
    """The columns of `Media` that have a row for every packet, while they are filled in."""

    head: NDArray[np.bool_]
    broken: NDArray[np.bool_]
    keyframe: NDArray[np.bool_]


def depacketize(packets: PacketColumns) -> Media:
    """The media of H.264 packets as AVCC: every NAL unit behind its length in four bytes.

    Writes over the last five bytes before each payload: header extensions are to be read before.
    """
    buffer, begin, length = packets.buffer, packets.payload_offset, packets.payload_length
    findings = _Findings(*(np.zeros(length.size, np.bool_) for _ in _Findings._fields))
    filled = np.flatnonzero(length > 0)
    kind = buffer[begin[filled]] & 31
    findings.broken[filled] = _UNREADABLE[kind]
    parts = [
        _single(packets, filled[~_OF_RTP[kind]], findings),
        _aggregated(packets, filled[kind == _STAP_A], findings),
        _fragmented(packets, filled, kind == _FU_A, findings),
    ]
    # A prefix NAL unit begins a frame where the slice behind it does.
    findings.head[filled[:-1]] |= (kind[:-1] == _PREFIX) & findings.head[filled[1:]]
    packet, offset, size = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(packet, kind="stable")
    return Media(buffer, *findings, packet[order], offset[order], size[order])


def _inspect(
    buffer: NDArray[np.uint8], offset: NDArray[np.int64], length: NDArray[np.int64]
) -> _Findings:
    """What NAL units show: that a frame begins, that they are cut short, that it is a keyframe."""
    kind = buffer[offset] & 31
    has_header = _SLICE_HEADER[kind] & (length > 1)
    # first_mb_in_slice is the first thing in a slice, and 0 is Exp-Golomb coded as a single 1.
    is_first = buffer[np.minimum(offset + 1, buffer.size - 1)] > 127
    return _Findings(
        head=_OPENING[kind] | has_header & is_first,
        broken=_SLICE_HEADER[kind] & ~has_header,
        keyframe=kind == _IDR,
    )


def _single(packets: PacketColumns, rows: NDArray[np.int64], findings: _Findings) -> _Slices:
    """The packets that are one NAL unit (section 5.6)."""
    buffer, offset, length = (
        packets.buffer,
        packets.payload_offset[rows],
        packets.payload_length[rows],
    )
    for column, found in zip(findings, _inspect(buffer, offset, length), strict=True):
        column[rows] = found
    kept = ~_LEFT_OUT[buffer[offset] & 31]
    rows, offset, length = rows[kept], offset[kept], length[kept]
    _write_lengths(buffer, offset - _LENGTH, length)
    return _Slices(rows, offset - _LENGTH, length + _LENGTH)


def _aggregated(packets: PacketColumns, rows: NDArray[np.int64], findings: _Findings) -> _Slices:
    """The NAL units of STAP-A packets (section 5.7.1); those before a damaged one are kept."""
    buffer = packets.buffer
    zeros = packets.payload_offset - 2
    buffer[zeros[rows]] = buffer[zeros[rows] + 1] = 0
    findings.broken[rows[packets.payload_length[rows] == 1]] = True
    opening = np.ones(zeros.size, np.bool_)
    slices = [_Slices(*(np.empty(0, np.int64) for _ in _Slices._fields))]
    for units, damaged in _split_aggregates(packets, rows):
        kind = buffer[units.offset] & 31
        found = _inspect(buffer, units.offset, units.length)
        findings.head[units.packet] |= opening[units.packet] & found.head
        findings.keyframe[units.packet] |= found.keyframe
        findings.broken[units.packet] |= found.broken | _OF_RTP[kind]
        findings.broken[damaged] = True
        kept = _NalUnits(*(column[~_LEFT_OUT[kind]] for column in units))
        opening[kept.packet] = False
        offset = np.stack([zeros[kept.packet], kept.offset - 2], axis=1)
        length = np.stack([np.full(kept.packet.size, 2), kept.length + 2], axis=1)
        slices.append(_Slices(kept.packet.repeat(2), offset.reshape(-1), length.reshape(-1)))
    return _Slices(*(np.concatenate(column) for column in zip(*slices, strict=True)))


def _split_aggregates(
    packets: PacketColumns, rows: NDArray[np.int64]
) -> Iterator[tuple[_NalUnits, NDArray[np.int64]]]:
    """The first NAL unit of every STAP-A packet, then the second of those that have one, and so on.

    With each turn come the packets in which the turn's NAL unit is damaged: empty, or longer than
    the packet.
    """
    buffer = packets.buffer
    at = packets.payload_offset[rows] + 1
    end = at - 1 + packets.payload_length[rows]
    while (more := at < end).any():
        rows, at, end = rows[more], at[more], end[more]
        place = np.minimum(at, end - 2)
        size = buffer[place].astype(np.int64) << 8 | buffer[place + 1]
        at = at + 2
        sound = (size > 0) & (at + size <= end)
        damaged = rows[~sound]
        rows, at, end, size = rows[sound], at[sound], end[sound], size[sound]
        yield _NalUnits(rows, at, size), damaged
        at = at + size


def _fragmented(
    packets: PacketColumns,
    filled: NDArray[np.int64],
    is_fragment: NDArray[np.bool_],
    findings: _Findings,
) -> _Slices:
    """The NAL units cut into FU-A packets (section 5.8); incomplete ones are broken throughout."""
    buffer, place = packets.buffer, np.flatnonzero(is_fragment)
    is_cut = packets.payload_length[filled[place]] < _FU_HEADERS
    findings.broken[filled[place[is_cut]]] = True
    place = place[~is_cut]
    rows = filled[place]
    if not rows.size:
        return _Slices(rows, rows, rows)
    offset = packets.payload_offset[rows] + _FU_HEADERS
    length = packets.payload_length[rows] - _FU_HEADERS
    header = buffer[offset - 1]
    found = _inspect(buffer, offset - 1, length + 1)
    findings.head[rows] = (header > 127) & found.head
    findings.keyframe[rows] = found.keyframe

    first = np.flatnonzero(_begins_chain(packets, rows, place, header))
    last = np.append(first[1:], rows.size) - 1
    whole = (header[first] > 127) & (header[last] & 0x40 != 0)
    findings.broken[rows] = ~whole.repeat(last - first + 1)
    whole &= ~_LEFT_OUT[header[first] & 31]
    total = 1 + np.add.reduceat(length, first)[whole]
    kept, first = whole.repeat(last - first + 1) & (length > 0), first[whole]

    # The NAL header: F and NRI of the indicator, type of the FU header.
    start = offset[first] - _FU_HEADERS
    buffer[start - 1] = buffer[start] & 0xE0 | header[first] & 0x1F
    _write_lengths(buffer, start - 1 - _LENGTH, total)
    return _Slices(
        np.concatenate([rows[first], rows[kept]]),
        np.concatenate([start - 1 - _LENGTH, offset[kept]]),
        np.concatenate([np.full(first.size, _LENGTH + 1), length[kept]]),
    )


def _begins_chain(
    packets: PacketColumns,
    rows: NDArray[np.int64],
    place: NDArray[np.int64],
    header: NDArray[np.uint8],
) -> NDArray[np.bool_]:
    """Whether each fragment does not continue the one before: those in between make a NAL unit."""
    sequence = packets.sequence_number[rows]
    continues = np.zeros(rows.size, np.bool_)
    continues[1:] = (
        (np.diff(place) == 1)  # nothing but packets without payload stands between them
        & (np.diff(sequence) == np.diff(rows).astype(np.uint16))
        & (np.diff(packets.timestamp[rows]) == 0)
        & (header[1:] < 128)
        & (header[:-1] & 0x40 == 0)
        & ((header[1:] ^ header[:-1]) & 31 == 0)
    )
    return ~continues


def _write_lengths(
    buffer: NDArray[np.uint8], offset: NDArray[np.int64], length: NDArray[np.int64]
) -> None:
    buffer[offset[:, None] + np.arange(_LENGTH)] = (
        length.astype(">u4").view(np.uint8).reshape(-1, _LENGTH)
    )


def nal_units(frame: bytes | memoryview) -> Iterator[memoryview]:
    """The NAL units of a frame in AVCC; ends at one that is empty or cut short."""
    rest = memoryview(frame)
    while len(rest) > _LENGTH:
        end = _LENGTH + int.from_bytes(rest[:_LENGTH], "big")
        if not _LENGTH < end <= len(rest):
            return
        yield rest[_LENGTH:end]
        rest = rest[end:]


def split_annexb(stream: bytes) -> list[bytes]:
    """The NAL units of a byte stream (H.264 annex B), without start codes and zeros between."""
    units = (unit.rstrip(b"\0") for unit in stream.split(b"\0\0\1")[1:])
    return [unit for unit in units if unit]


def packetize(units: Sequence[bytes], max_payload: int) -> list[bytes]:
    """The RTP payloads of an access unit's NAL units, none longer than `max_payload`.

    Neighbors that fit are sent together (STAP-A), what is too long is cut (FU-A).

    Raises:
        ValueError: The payloads have no room for a fragment.
    """
    if max_payload <= _FU_HEADERS:
        raise ValueError(f"H.264 payloads of {max_payload} bytes have no room for a fragment")
    payloads: list[bytes] = []
    group: list[bytes] = []
    for unit in units:
        if group and 1 + sum(2 + len(member) for member in (*group, unit)) > max_payload:
            payloads += _close(group)
            group = []
        if len(unit) > max_payload:
            payloads += _close(group) + _cut(unit, max_payload - _FU_HEADERS)
            group = []
        else:
            group.append(unit)
    return payloads + _close(group)


def _close(group: Sequence[bytes]) -> list[bytes]:
    """One payload of these NAL units: as it is where it is one, else a STAP-A."""
    if len(group) < 2:
        return list(group)
    nri = max(unit[0] & 0x60 for unit in group)
    return [bytes((nri | _STAP_A,)) + b"".join(len(u).to_bytes(2, "big") + u for u in group)]


def _cut(unit: bytes, room: int) -> list[bytes]:
    """FU-A payloads of a NAL unit, with up to `room` bytes of it in each."""
    indicator, kind = unit[0] & 0xE0 | _FU_A, unit[0] & 0x1F
    starts = range(1, len(unit), room)
    return [
        bytes((indicator, kind | 0x80 * (at == 1) | 0x40 * (at == starts[-1])))
        + unit[at : at + room]
        for at in starts
    ]
