"""H.265 parameter sets: what they say (ITU-T H.265 section 7.3.2) and hvcC, which holds them.

A NAL unit here is one without its length or start code, the two bytes of NAL unit header first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from isotrack.codecs.h265 import unit_type
from isotrack.codecs.nal import KNOWN, NalBits, decode_sprop, sized

VPS, SPS, PPS = 32, 33, 34

_CHROMA_SCALE = {0: (1, 1), 1: (2, 2), 2: (2, 1), 3: (1, 1)}
"""Luma samples for one of chroma, across and down (table 6-1)."""

_MAX_DEPTH = 15  # H.265 has 16 as well, which hvcC has no room for
_PROFILE_BITS, _LEVEL_BITS = 88, 8


class Sps(NamedTuple):
    """What a sequence parameter set says of the picture."""

    vps_id: int
    sps_id: int
    temporal_layers: int
    temporal_id_nesting: bool
    profile_tier_level: bytes
    """Twelve bytes: profile space, tier and profile; compatibility; constraints; level."""
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
    """What a sequence parameter set says (section 7.3.2.2.1).

    Raises:
        ValueError: It is truncated or no sequence parameter set, or states what cannot be.
    """
    if unit_type(nal) != SPS:
        raise ValueError("H.265 NAL unit is not an SPS")
    bits = NalBits(nal, "H.265 SPS")
    bits.take(16)
    vps_id, sub_layers, nesting = bits.take(4), bits.take(3), bits.take(1)
    profile = bits.take(_PROFILE_BITS + _LEVEL_BITS).to_bytes(12, "big")
    _skip_sub_layers(bits, sub_layers)
    sps_id, chroma_format = bits.unsigned(), bits.unsigned()
    if chroma_format not in _CHROMA_SCALE:
        raise ValueError(f"H.265 SPS states an unknown chroma format {chroma_format}")
    if chroma_format == 3:
        bits.take(1)  # separate_colour_plane_flag
    coded_width, coded_height = bits.unsigned(), bits.unsigned()
    # Conformance window: what it leaves out on the left, right, top and bottom.
    crop = [bits.unsigned() for _ in range(4)] if bits.take(1) else [0, 0, 0, 0]
    luma_depth, chroma_depth = 8 + bits.unsigned(), 8 + bits.unsigned()
    if max(luma_depth, chroma_depth) > _MAX_DEPTH:
        raise ValueError(
            f"H.265 SPS states an impossible depth of {luma_depth}/{chroma_depth} bits"
        )
    across, down = _CHROMA_SCALE[chroma_format]
    width = coded_width - across * (crop[0] + crop[1])
    height = coded_height - down * (crop[2] + crop[3])
    if not (0 < width <= 0xFFFF and 0 < height <= 0xFFFF):
        raise ValueError(f"H.265 SPS states an impossible picture of {width}x{height}")
    return Sps(
        vps_id,
        sps_id,
        1 + sub_layers,
        bool(nesting),
        profile,
        width,
        height,
        chroma_format,
        luma_depth,
        chroma_depth,
    )


def _skip_sub_layers(bits: NalBits, count: int) -> None:
    """Steps over what profile_tier_level says of the lower temporal layers (section 7.3.3)."""
    present = [(bits.take(1), bits.take(1)) for _ in range(count)]
    if count:
        bits.take(2 * (8 - count))
    for has_profile, has_level in present:
        bits.take(_PROFILE_BITS * has_profile + _LEVEL_BITS * has_level)


@lru_cache(KNOWN)
def vps_id(nal: bytes | memoryview) -> int:
    """The id of a video parameter set. Raises ValueError if it is truncated."""
    bits = NalBits(nal, "H.265 VPS", limit=8)
    bits.take(16)
    return bits.take(4)


@lru_cache(KNOWN)
def pps_ids(nal: bytes | memoryview) -> tuple[int, int]:
    """The id of a picture parameter set and of the SPS it refers to; ValueError if truncated."""
    bits = NalBits(nal, "H.265 PPS", limit=16)
    bits.take(16)
    return bits.unsigned(), bits.unsigned()


def slice_pps_id(nal: bytes | memoryview) -> int:
    """The id of the picture parameter set a slice segment refers to (section 7.3.6.1).

    Raises:
        ValueError: The slice segment is truncated.
    """
    bits = NalBits(nal, "H.265 slice header", limit=16)
    kind = bits.take(16) >> 9 & 63
    bits.take(1)  # first_slice_segment_in_pic_flag
    if 16 <= kind <= 23:
        bits.take(1)  # no_output_of_prior_pics_flag
    return bits.unsigned()


def decoder_configuration(
    vps: Sequence[bytes], sps: Sequence[bytes], pps: Sequence[bytes]
) -> bytes:
    """HEVCDecoderConfigurationRecord, Matroska's CodecPrivate of H.265, with 4-byte lengths.

    ISO/IEC 14496-15 section 8.3.3.1. Profile, level and depth are those of the first SPS. Sets may
    come in band as well, so no array is said to be complete. Segmentation, parallelism and frame
    rate are left unknown (0).

    Raises:
        ValueError: A parameter set is missing or malformed, or there are too many of them.
    """
    arrays = {VPS: vps, SPS: sps, PPS: pps}
    if not all(0 < len(sets) <= 0xFFFF for sets in arrays.values()):
        raise ValueError(f"hvcC cannot hold {len(vps)} VPS, {len(sps)} SPS and {len(pps)} PPS")
    first = parse_sps(sps[0])
    record = bytearray((1,)) + first.profile_tier_level
    record += b"\xf0\0"  # min_spatial_segmentation_idc
    record.append(0xFC)  # parallelismType
    record.append(0xFC | first.chroma_format_idc)
    record.append(0xF8 | first.bit_depth_luma - 8)
    record.append(0xF8 | first.bit_depth_chroma - 8)
    record += b"\0\0"  # avgFrameRate
    record.append(first.temporal_layers << 3 | first.temporal_id_nesting << 2 | 3)
    record.append(len(arrays))
    for kind, sets in arrays.items():
        record.append(kind)
        record += len(sets).to_bytes(2, "big") + b"".join(map(sized, sets))
    return bytes(record)


def sprop_parameter_sets(fmtp: Mapping[str, str]) -> list[bytes]:
    """The parameter sets of `sprop-vps`, `sprop-sps` and `sprop-pps` (RFC 7798 section 7.1).

    Raises:
        ValueError: One of them is not base64, or empty.
    """
    names = ("sprop-vps", "sprop-sps", "sprop-pps")
    return [unit for name in names if name in fmtp for unit in decode_sprop(name, fmtp[name])]


def has_donl(fmtp: Mapping[str, str]) -> bool:
    """Whether payloads hold decoding order numbers: `sprop-max-don-diff` is above 0 (section 7.1).

    What is no number counts as 0, which WebRTC always means.
    """
    value = fmtp.get("sprop-max-don-diff", "0").strip()
    return value.isdecimal() and value.isascii() and value.strip("0") != ""
