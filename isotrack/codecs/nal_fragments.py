"""NAL units cut into pieces: FU-A (RFC 6184 section 5.8) and FU (RFC 7798 section 4.4.3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs.media import PacketColumns
from isotrack.codecs.nal import LENGTH_SIZE
from isotrack.codecs.nal_findings import Findings, Slices, inspect, write_lengths
from isotrack.codecs.nal_format import PayloadFormat

START, END = 0x80, 0x40  # of a FU header


def fragmented(
    packets: PacketColumns,
    form: PayloadFormat,
    filled: NDArray[np.int64],
    is_fragment: NDArray[np.bool_],
    findings: Findings,
) -> Slices:
    """The NAL units cut into pieces (section 5.8 of RFC 6184, 4.4.3 of RFC 7798).

    Incomplete ones are broken throughout.
    """
    buffer, place = packets.buffer, np.flatnonzero(is_fragment)
    rows = filled[place]
    at: NDArray[np.int64] = packets.payload_offset[rows] + form.header
    end = at - form.header + packets.payload_length[rows]
    header = buffer[np.minimum(at, buffer.size - 1)]
    offset = at + 1 + (header >> 7) * form.donl
    is_cut = offset > end
    if is_cut.any():
        findings.broken[rows[is_cut]] = True
        place, rows, header = place[~is_cut], rows[~is_cut], header[~is_cut]
        offset, end = offset[~is_cut], end[~is_cut]
    if not rows.size:
        return Slices(rows, rows, rows)
    kind, length = header & form.mask, end - offset
    opens = np.flatnonzero(header & START)
    found = inspect(buffer, form, kind[opens], offset[opens], length[opens])
    findings.head[rows[opens]] = found.head
    findings.keyframe[rows] = form.keyframes[kind]
    findings.picture[rows] = form.pictures[kind]

    first = np.flatnonzero(_begins_chain(packets, form, rows, place, header))
    last = np.append(first[1:], rows.size) - 1
    whole = (header[first] & START != 0) & (header[last] & END != 0)
    size = np.add.reduceat(length, first)
    whole &= size >= form.slices[kind[first]]
    findings.broken[rows] = ~whole.repeat(last - first + 1)
    whole &= ~form.left_out[kind[first]]
    kept = whole.repeat(last - first + 1) & (length > 0)
    first, size = first[whole], size[whole]

    start = packets.payload_offset[rows[first]] - form.header - LENGTH_SIZE
    write_lengths(buffer, start, form.header + size)
    write_headers(buffer, form, start + LENGTH_SIZE, header[first])
    return Slices(
        np.concatenate([rows[first], rows[kept]]),
        np.concatenate([start, offset[kept]]),
        np.concatenate([np.full(first.size, LENGTH_SIZE + form.header), length[kept]]),
    )


def _begins_chain(
    packets: PacketColumns,
    form: PayloadFormat,
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
        & (header[1:] & START == 0)
        & (header[:-1] & END == 0)
        & ((header[1:] ^ header[:-1]) & form.mask == 0)
    )
    return ~continues


def write_headers(
    buffer: NDArray[np.uint8],
    form: PayloadFormat,
    offset: NDArray[np.int64],
    fu_header: NDArray[np.uint8],
) -> None:
    """Write the NAL unit header before each payload: its own header with the FU header's type."""
    payload, others = offset + form.header, 0xFF ^ form.mask << form.shift
    buffer[offset] = buffer[payload] & others | (fu_header & form.mask) << form.shift
    for byte in range(1, form.header):
        buffer[offset + byte] = buffer[payload + byte]
