"""Which H.264 packets carry picture data, and which only what pictures need (RFC 6184)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs.media import PacketColumns

_STAP_A = 24
_FU_A = 28
_SLICES = range(1, 6)
_IS_SLICE = np.isin(np.arange(32), list(_SLICES))


def carries_picture(packets: PacketColumns) -> NDArray[np.bool_]:
    """Mark the packets that hold a slice or a part of one (NAL unit types 1 to 5).

    Others hold parameter sets, delimiters or SEI, and are no access unit by themselves.
    """
    buffer, begin, length = packets.buffer, packets.payload_offset, packets.payload_length
    picture = np.zeros(len(length), np.bool_)
    filled = np.flatnonzero(length > 1)
    kind = buffer[begin[filled]] & 31
    fragment = filled[kind == _FU_A]
    picture[filled] = _IS_SLICE[kind]
    picture[fragment] = _IS_SLICE[buffer[begin[fragment] + 1] & 31]
    for row in filled[kind == _STAP_A].tolist():
        picture[row] = _aggregates_slice(
            buffer[begin[row] + 1 : begin[row] + length[row]].tobytes()
        )
    return picture


def _aggregates_slice(units: bytes) -> bool:
    """Whether one of the NAL units behind a STAP-A header (section 5.7.1) is a slice."""
    at = 0
    while at + 2 < len(units):
        if units[at + 2] & 31 in _SLICES:
            return True
        at += 2 + int.from_bytes(units[at : at + 2])
    return False
