"""Other numbers for the parameter sets of H.265 pictures we make (ITU-T H.265 section 7.3).

Encoders number theirs from 0, as publishers do: among a publisher's frames, those of a picture of
ours would replace theirs. x265 has no setting for that, so the numbers are written over:

    vps_video_parameter_set_id, sps_video_parameter_set_id   u(4)   0000 -> 1111
    every other id of a VPS, SPS or PPS                      ue(v)  1 -> 0 0001 0000, which is 15

The longer code moves what follows by exactly a byte, so that slice data stay aligned as they were.
"""

from __future__ import annotations

from isotrack.codecs.h265 import unit_type
from isotrack.codecs.h265_parameters import PPS, SPS, VPS

SPARE_ID = 15
"""The highest that a VPS or an SPS may have."""

_HEADER = 16
_SPS_SUB_LAYERS, _SPS_ID = _HEADER + 4, _HEADER + 8 + 96  # behind profile_tier_level
_LONG_CODE, _LONG_WIDTH = SPARE_ID + 1, 9
_IRAP = range(16, 24)


def renumbered(unit: bytes) -> bytes:
    """A NAL unit whose parameter sets have the id 0, with `SPARE_ID` in its place.

    A VPS, SPS, PPS, or the only slice segment of an intra random access point.

    Raises:
        ValueError: It is of another kind, or numbered otherwise, or has temporal layers.
    """
    bits = _Bits(unit)
    kind = unit_type(unit)
    if kind == VPS:
        bits.replace(_HEADER, 4, 0, SPARE_ID, 4)
    elif kind == SPS:
        bits.replace(_HEADER, 4, 0, SPARE_ID, 4)
        bits.replace(_SPS_SUB_LAYERS, 3, 0, 0, 3)
        bits.replace(_SPS_ID, 1, 1, _LONG_CODE, _LONG_WIDTH)
    elif kind == PPS:
        bits.replace(_HEADER, 2, 0b11, _LONG_CODE << _LONG_WIDTH | _LONG_CODE, 2 * _LONG_WIDTH)
    elif kind in _IRAP:
        bits.replace(_HEADER, 1, 1, 1, 1)  # first_slice_segment_in_pic_flag
        bits.replace(_HEADER + 2, 1, 1, _LONG_CODE, _LONG_WIDTH)
    else:
        raise ValueError(f"H.265 NAL unit of type {kind} names no parameter set to renumber")
    return bits.unit()


class _Bits:
    """The bits of a NAL unit without emulation prevention, to be written over."""

    def __init__(self, unit: bytes) -> None:
        raw = unit.replace(b"\0\0\3", b"\0\0")
        self._value, self._width = int.from_bytes(raw, "big"), 8 * len(raw)

    def replace(self, at: int, width: int, expected: int, value: int, new_width: int) -> None:
        """Put a number of some bits in the place of another."""
        behind = self._width - at - width
        if behind < 0 or self._value >> behind & (1 << width) - 1 != expected:
            raise ValueError(f"H.265 NAL unit has not {expected} in the bits at {at}")
        front, rest = self._value >> behind + width, self._value & (1 << behind) - 1
        self._value = (front << new_width | value) << behind | rest
        self._width += new_width - width

    def unit(self) -> bytes:
        """With emulation prevention (section 7.4.2)."""
        made, zeros = bytearray(), 0
        for byte in self._value.to_bytes(self._width // 8, "big"):
            if zeros >= 2 and byte <= 3:
                made.append(3)
                zeros = 0
            made.append(byte)
            zeros = zeros + 1 if byte == 0 else 0
        return bytes(made)
