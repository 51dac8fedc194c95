"""H.264 parameter sets: what they say (ITU-T H.264 section 7.3.2) and avcC, which holds them.

A NAL unit here is one without its length or start code, the NAL header first.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from isotrack.codecs.nal import KNOWN, NalBits, decode_sprop, sized

_SPS = 7

_WITH_CHROMA = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
"""Profiles whose SPS has a chroma format and bit depths (section 7.3.2.1.1)."""

_CHROMA_SCALE = {0: (1, 1), 1: (2, 2), 2: (2, 1), 3: (1, 1)}
"""Luma samples for one of chroma, across and down (table 6-1)."""


class Sps(NamedTuple):
    """What a sequence parameter set says of the picture."""

    profile_idc: int
    constraint_flags: int
    """The byte of constraint_set flags between profile and level."""
    level_idc: int
    width: int
    """In pixels, after cropping."""
    height: int
    """In pixels, after cropping."""
    chroma_format_idc: int
    """0 gray, 1 4:2:0, 2 4:2:2, 3 4:4:4."""
    bit_depth_luma: int
    bit_depth_chroma: int


@lru_cache(KNOWN)
def parse_sps(nal: bytes | memoryview) -> Sps:
    """What a sequence parameter set says (section 7.3.2.1.1).

    Raises:
        ValueError: It is truncated or no sequence parameter set, or states what cannot be.
    """
    bits = NalBits(nal, "H.264 SPS")
    if bits.take(8) & 31 != _SPS:
        raise ValueError("H.264 NAL unit is not an SPS")
    profile, constraints, level = bits.take(8), bits.take(8), bits.take(8)
    bits.unsigned()  # seq_parameter_set_id
    chroma_format, luma_depth, chroma_depth = 1, 8, 8
    if profile in _WITH_CHROMA:
        chroma_format, luma_depth, chroma_depth = _read_chroma(bits)
    _skip_frame_numbering(bits)
    columns, rows = bits.unsigned() + 1, bits.unsigned() + 1
    frames_only = bits.take(1)
    if not frames_only:
        bits.take(1)  # mb_adaptive_frame_field_flag
    bits.take(1)  # direct_8x8_inference_flag
    crop = [bits.unsigned() for _ in range(4)] if bits.take(1) else [0, 0, 0, 0]
    across, down = _CHROMA_SCALE[chroma_format]
    width = 16 * columns - across * (crop[0] + crop[1])
    height = (2 - frames_only) * (16 * rows - down * (crop[2] + crop[3]))
    if not (0 < width <= 0xFFFF and 0 < height <= 0xFFFF):
        raise ValueError(f"H.264 SPS states an impossible picture of {width}x{height}")
    return Sps(profile, constraints, level, width, height, chroma_format, luma_depth, chroma_depth)


def _read_chroma(bits: NalBits) -> tuple[int, int, int]:
    """Chroma format and the bit depths of luma and chroma; steps over the scaling matrix."""
    chroma_format = bits.unsigned()
    if chroma_format not in _CHROMA_SCALE:
        raise ValueError(f"H.264 SPS states an unknown chroma format {chroma_format}")
    separate_planes = bits.take(1) if chroma_format == 3 else 0
    luma_depth, chroma_depth = 8 + bits.unsigned(), 8 + bits.unsigned()
    if max(luma_depth, chroma_depth) > 14:
        raise ValueError(
            f"H.264 SPS states an impossible depth of {luma_depth}/{chroma_depth} bits"
        )
    bits.take(1)  # qpprime_y_zero_transform_bypass_flag
    if bits.take(1):
        for index in range(12 if chroma_format == 3 else 8):
            if bits.take(1):
                _skip_scaling_list(bits, 16 if index < 6 else 64)
    return 0 if separate_planes else chroma_format, luma_depth, chroma_depth


def _skip_scaling_list(bits: NalBits, size: int) -> None:
    """Steps over a scaling list (section 7.3.2.1.1.1)."""
    scale = 8
    for _ in range(size):
        scale = (scale + bits.signed()) % 256
        if scale == 0:  # the rest is as the last one was, or the default
            return


def _skip_frame_numbering(bits: NalBits) -> None:
    """Steps over the fields about frame numbers and picture order between chroma and size."""
    bits.unsigned()  # log2_max_frame_num_minus4
    order_type = bits.unsigned()
    if order_type == 0:
        bits.unsigned()  # log2_max_pic_order_cnt_lsb_minus4
    elif order_type == 1:
        bits.take(1)  # delta_pic_order_always_zero_flag
        bits.signed()  # offset_for_non_ref_pic
        bits.signed()  # offset_for_top_to_bottom_field
        cycle = bits.unsigned()
        if cycle > 255:
            raise ValueError(f"H.264 SPS states an impossible cycle of {cycle} reference frames")
        for _ in range(cycle):
            bits.signed()
    bits.unsigned()  # max_num_ref_frames
    bits.take(1)  # gaps_in_frame_num_value_allowed_flag


@lru_cache(KNOWN)
def sps_id(nal: bytes | memoryview) -> int:
    """The id of a sequence parameter set. Raises ValueError if it is truncated."""
    bits = NalBits(nal, "H.264 SPS", limit=16)
    bits.take(32)  # NAL header, profile, constraints, level
    return bits.unsigned()


@lru_cache(KNOWN)
def pps_ids(nal: bytes | memoryview) -> tuple[int, int]:
    """The id of a picture parameter set and of the SPS it refers to; ValueError if truncated."""
    bits = NalBits(nal, "H.264 PPS", limit=16)
    bits.take(8)
    return bits.unsigned(), bits.unsigned()


def slice_pps_id(nal: bytes | memoryview) -> int:
    """The id of the picture parameter set a slice refers to (section 7.3.3).

    Raises:
        ValueError: The slice is truncated.
    """
    bits = NalBits(nal, "H.264 slice header", limit=24)
    bits.take(8)
    bits.unsigned()  # first_mb_in_slice
    bits.unsigned()  # slice_type
    return bits.unsigned()


def decoder_configuration(sps: Sequence[bytes], pps: Sequence[bytes]) -> bytes:
    """AVCDecoderConfigurationRecord, Matroska's CodecPrivate of H.264, with 4-byte lengths.

    ISO/IEC 14496-15 section 5.3.3.1. Profile and level are those of the first SPS.

    Raises:
        ValueError: A parameter set is missing or malformed, or there are too many of them.
    """
    if not 1 <= len(sps) <= 31 or not 1 <= len(pps) <= 255:
        raise ValueError(f"avcC cannot hold {len(sps)} SPS and {len(pps)} PPS")
    first = parse_sps(sps[0])
    record = bytearray((1, first.profile_idc, first.constraint_flags, first.level_idc, 0xFF))
    record.append(0xE0 | len(sps))
    record += b"".join(map(sized, sps))
    record.append(len(pps))
    record += b"".join(map(sized, pps))
    if first.profile_idc in _WITH_CHROMA:
        record.append(0xFC | first.chroma_format_idc)
        record.append(0xF8 | first.bit_depth_luma - 8)
        record.append(0xF8 | first.bit_depth_chroma - 8)
        record.append(0)  # no SPS extension
    return bytes(record)


def sprop_parameter_sets(value: str) -> list[bytes]:
    """The parameter sets of an fmtp line's `sprop-parameter-sets` (RFC 6184 section 8.1).

    Raises:
        ValueError: One of them is not base64, or empty.
    """
    return decode_sprop("sprop-parameter-sets", value)
