"""NAL units out of packets as nearly all come: whole, undamaged, of the usual kinds.

A batch of packets in which anything is out of the ordinary is left to `nal_payloads`, which looks
at every packet by itself and finds the same.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs.media import PacketColumns
from isotrack.codecs.nal import LENGTH_SIZE
from isotrack.codecs.nal_findings import Findings, Slices, write_lengths
from isotrack.codecs.nal_format import PayloadFormat
from isotrack.codecs.nal_fragments import END, START, write_headers
from isotrack.codecs.openings import Openings


class Tidy(NamedTuple):
    """What is found in packets that hold NAL units, whole or cut, but for aggregates."""

    slices: tuple[Slices, Slices, Slices]
    """Of NAL units in one piece, of the headers of those that are cut, of their fragments."""
    findings: Findings
    aggregates: NDArray[np.int64]
    """The packets that are yet to be looked into."""


def tidy(packets: PacketColumns, form: PayloadFormat) -> Tidy | None:
    """The NAL units of packets of which every one is whole; None of others.

    Writes over the last bytes before payloads, as `nal_payloads.depacketize` does.
    """
    begin, length = packets.payload_offset, packets.payload_length
    octets = Openings(packets.buffer, begin).rows
    # Behind headers there has to be the byte that says whether a slice is the first of its picture.
    if octets is None or not length.size or length.min() < form.header + 2 or form.donl:
        return None
    outer, inner = form.kind(octets[:, 0]), octets[:, form.header]
    is_cut, is_aggregate = outer == form.fragment, outer == form.aggregate
    in_one = ~(is_cut | is_aggregate)
    starts, goes_on = is_cut & (inner >= START), is_cut & (inner < START)
    if not _chained(packets, form, is_cut, goes_on, inner):
        return None
    kind = np.where(is_cut, inner & form.mask, outer)
    whole = in_one | starts
    if np.count_nonzero((form.of_rtp | form.left_out)[kind] & whole):
        return None
    first = np.where(is_cut, octets[:, form.header + 1], inner) > 127
    looked_into = ~is_aggregate
    findings = Findings(
        head=(form.opening[kind] | form.slices[kind] & first) & whole,
        broken=np.zeros(length.size, np.bool_),
        keyframe=form.keyframes[kind] & looked_into,
        picture=form.pictures[kind] & looked_into,
    )
    slices = (
        _in_one(packets, in_one.nonzero()[0]),
        *_cut(packets, form, starts, goes_on, inner, is_cut.nonzero()[0]),
    )
    return Tidy(slices, findings, is_aggregate.nonzero()[0])


def _chained(
    packets: PacketColumns,
    form: PayloadFormat,
    is_cut: NDArray[np.bool_],
    goes_on: NDArray[np.bool_],
    inner: NDArray[np.uint8],
) -> bool:
    """Whether the fragments of each NAL unit are all there, one behind the other."""
    stays_open = is_cut & (inner & END == 0)
    if goes_on[0] or stays_open[-1]:
        return False
    if np.count_nonzero(stays_open[:-1] != goes_on[1:]):
        return False
    sequence, timestamp = packets.sequence_number, packets.timestamp
    differs = (inner[1:] ^ inner[:-1]) & form.mask != 0
    differs |= timestamp[1:] != timestamp[:-1]
    differs |= sequence[1:] - sequence[:-1] != 1
    return not np.count_nonzero(differs & goes_on[1:])


def _in_one(packets: PacketColumns, rows: NDArray[np.int64]) -> Slices:
    """Packets that are a NAL unit each, behind their lengths."""
    length = packets.payload_length[rows]
    start = packets.payload_offset[rows] - LENGTH_SIZE
    write_lengths(packets.buffer, start, length)
    return Slices(rows, start, length + LENGTH_SIZE)


def _cut(
    packets: PacketColumns,
    form: PayloadFormat,
    starts: NDArray[np.bool_],
    goes_on: NDArray[np.bool_],
    inner: NDArray[np.uint8],
    rows: NDArray[np.int64],
) -> tuple[Slices, Slices]:
    """The headers of NAL units that are cut, and their fragments."""
    rest = packets.payload_length - (form.header + 1)
    units = (~goes_on).nonzero()[0]
    size = np.add.reduceat(rest, units)[starts[units]]
    first = starts.nonzero()[0]
    start = packets.payload_offset[first] - (form.header + LENGTH_SIZE)
    write_lengths(packets.buffer, start, form.header + size)
    write_headers(packets.buffer, form, start + LENGTH_SIZE, inner[first])
    length = np.full(first.size, LENGTH_SIZE + form.header)
    offset = packets.payload_offset[rows] + (form.header + 1)
    return Slices(first, start, length), Slices(rows, offset, rest[rows])
