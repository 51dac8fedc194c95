"""NAL units out of RTP packets, as H.264 (RFC 6184) and H.265 (RFC 7798) have them in common.

Matroska wants each NAL unit behind its length in four bytes. What a packet lacks for that is
written over the end of its RTP header, which is dead by now; payloads stay as they are:

    single      [RTP header .. length|NAL unit]                      length with NAL unit: one slice
    aggregate   [RTP header .. 0 0|header|size|NAL unit|size|NAL ..] 0 0, size with NAL unit; again
    fragment    [RTP header .. length, NAL header|headers|fragment]  length with header, fragment
                [RTP header                      |headers|fragment]  fragment

A payload header has the form of a NAL unit header: H.264's of one byte, H.265's of two.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs.media import Media, PacketColumns
from isotrack.codecs.nal import LENGTH_SIZE
from isotrack.codecs.nal_findings import Findings, Slices, inspect, write_lengths
from isotrack.codecs.nal_format import PayloadFormat
from isotrack.codecs.nal_fragments import fragmented
from isotrack.codecs.nal_tidy import tidy

_MAX_AGGREGATED = 512
"""NAL units of an aggregate that are looked at: no more fit in an Ethernet frame."""


class _NalUnits(NamedTuple):
    """NAL units that lie in one piece in packets."""

    packet: NDArray[np.int64]
    offset: NDArray[np.int64]
    length: NDArray[np.int64]


def depacketize(packets: PacketColumns, form: PayloadFormat) -> Media:
    """The media of packets: every NAL unit behind its length in four bytes.

    Writes over the last bytes before each payload, five or six of them: header extensions are to
    be read before.
    """
    found = tidy(packets, form)
    if found is None:
        return _each(packets, form)
    rest = [found.aggregates] if found.aggregates.size else []
    more = [_aggregated(packets, form, rows, found.findings) for rows in rest]
    return _media(packets, [*found.slices, *more], found.findings)


def _each(packets: PacketColumns, form: PayloadFormat) -> Media:
    """The same of packets of all kinds, sound or not."""
    buffer, begin, length = packets.buffer, packets.payload_offset, packets.payload_length
    findings = Findings(*(np.zeros(length.size, np.bool_) for _ in Findings._fields))
    filled = np.flatnonzero(length > 0)
    kind = form.kind(buffer[begin[filled]])
    findings.broken[filled] = findings.picture[filled] = form.unreadable[kind]
    parts = (
        _single(packets, form, filled[~form.of_rtp[kind]], findings),
        _aggregated(packets, form, filled[kind == form.aggregate], findings),
        fragmented(packets, form, filled, kind == form.fragment, findings),
    )
    findings.head[filled[:-1]] |= form.prefixes[kind[:-1]] & findings.head[filled[1:]]
    return _media(packets, parts, findings)


def _media(packets: PacketColumns, parts: Sequence[Slices], findings: Findings) -> Media:
    packet, offset, size = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = packet.argsort(kind="stable")
    head, broken, keyframe, picture = findings
    slices = packet[order], offset[order], size[order]
    return Media(packets.buffer, head, broken, keyframe, *slices, picture=picture)


def carries_picture(packets: PacketColumns, form: PayloadFormat) -> NDArray[np.bool_]:
    """Mark the packets that hold picture data or a part of it, or what cannot be looked into.

    Others hold parameter sets, delimiters or SEI, and are no access unit by themselves.
    """
    buffer, begin, length = packets.buffer, packets.payload_offset, packets.payload_length
    picture = np.zeros(length.size, np.bool_)
    rows = np.flatnonzero(length > form.header)
    kind = form.kind(buffer[begin[rows]])
    picture[rows] = form.pictures[kind] | form.unreadable[kind]
    fragments = rows[kind == form.fragment]
    picture[fragments] = form.pictures[buffer[begin[fragments] + form.header] & form.mask]
    for units, _ in _split_aggregates(packets, form, rows[kind == form.aggregate]):
        picture[units.packet] |= form.pictures[form.kind(buffer[units.offset])]
    return picture


def _single(
    packets: PacketColumns, form: PayloadFormat, rows: NDArray[np.int64], findings: Findings
) -> Slices:
    """The packets that are one NAL unit (section 5.6 of RFC 6184, 4.4.1 of RFC 7798)."""
    buffer, offset = packets.buffer, packets.payload_offset[rows]
    length = packets.payload_length[rows] - form.donl
    body = offset + form.header + form.donl
    kind = form.kind(buffer[offset])
    found = inspect(buffer, form, kind, body, length - form.header)
    for column, values in zip(findings, found, strict=True):
        column[rows] = values
    kept = ~form.left_out[kind] & (length >= form.header)
    rows, offset, length, body = rows[kept], offset[kept], length[kept], body[kept]
    write_lengths(buffer, offset - LENGTH_SIZE, length)
    if not form.donl:
        return Slices(rows, offset - LENGTH_SIZE, length + LENGTH_SIZE)
    rest = length > form.header
    return Slices(
        np.concatenate([rows, rows[rest]]),
        np.concatenate([offset - LENGTH_SIZE, body[rest]]),
        np.concatenate(
            [np.full(rows.size, LENGTH_SIZE + form.header), (length - form.header)[rest]]
        ),
    )


def _aggregated(
    packets: PacketColumns, form: PayloadFormat, rows: NDArray[np.int64], findings: Findings
) -> Slices:
    """The NAL units of aggregates (section 5.7.1 of RFC 6184, 4.4.2 of RFC 7798).

    Those before a damaged one are kept.
    """
    buffer = packets.buffer
    zeros = packets.payload_offset[rows] - 2
    buffer[zeros] = buffer[zeros + 1] = 0
    findings.broken[rows[packets.payload_length[rows] <= form.header + form.donl]] = True
    opening = np.ones(rows.size, np.bool_)
    slices = [Slices(*(np.empty(0, np.int64) for _ in Slices._fields))]
    for units, damaged in _split_aggregates(packets, form, rows):
        kind = form.kind(buffer[units.offset])
        body = units.offset + form.header
        found = inspect(buffer, form, kind, body, units.length - form.header)
        places = rows.searchsorted(units.packet)
        findings.head[units.packet] |= opening[places] & found.head
        findings.keyframe[units.packet] |= found.keyframe
        findings.picture[units.packet] |= found.picture
        findings.broken[units.packet] |= found.broken | form.of_rtp[kind]
        findings.broken[damaged] = True
        is_kept = ~form.left_out[kind]
        kept, places = _NalUnits(*(column[is_kept] for column in units)), places[is_kept]
        opening[places] = False
        offset = np.empty((places.size, 2), np.int64)
        length = np.full((places.size, 2), 2)
        offset[:, 0], offset[:, 1] = zeros[places], kept.offset - 2
        length[:, 1] += kept.length
        slices.append(Slices(kept.packet.repeat(2), offset.reshape(-1), length.reshape(-1)))
    return Slices(*(np.concatenate(column) for column in zip(*slices, strict=True)))


def _split_aggregates(
    packets: PacketColumns, form: PayloadFormat, rows: NDArray[np.int64]
) -> Iterator[tuple[_NalUnits, NDArray[np.int64]]]:
    """The first NAL unit of every aggregate, then the second of those that have one, and so on.

    With each turn come the packets in which the turn's NAL unit is damaged: shorter than its
    header, longer than the packet, or one too many.
    """
    buffer = packets.buffer
    end = packets.payload_offset[rows] + packets.payload_length[rows]
    at = packets.payload_offset[rows] + form.header + form.donl
    left = _MAX_AGGREGATED
    while (more := at < end).any():
        rows, at, end = rows[more], at[more], end[more]
        place = np.minimum(at, end - 2)
        size = buffer[place].astype(np.int64) << 8 | buffer[place + 1]
        at = at + 2
        sound = (size >= form.header) & (at + size <= end) & (left > 0)
        damaged = rows[~sound]
        rows, at, end, size = rows[sound], at[sound], end[sound], size[sound]
        yield _NalUnits(rows, at, size), damaged
        at = at + size + form.donl // 2  # the second decoding order number is a difference
        left -= 1
