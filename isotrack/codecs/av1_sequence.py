"""AV1 sequence headers: what they say (AV1 section 5.5) and av1C, which holds one."""

from __future__ import annotations

from typing import NamedTuple

from isotrack.codecs import av1_obu as obu
from isotrack.codecs.bits import Bits

SELECT = 2
"""seq_force_screen_content_tools and seq_force_integer_mv: each frame says it itself."""

_MAIN, _HIGH, _PROFESSIONAL = 0, 1, 2
_BT_709, _SRGB, _IDENTITY = 1, 13, 0
_MARKER_AND_VERSION = 0x81
_MAX_BYTES = 1024  # more than 32 operating points take, with all that can be said of each


class ColorConfig(NamedTuple):
    """How samples are coded (section 5.5.2), as av1C tells it."""

    high_bitdepth: bool
    twelve_bit: bool
    monochrome: bool
    subsampling_x: bool
    subsampling_y: bool
    chroma_sample_position: int

    @property
    def bit_depth(self) -> int:
        """Bits of a sample."""
        return 12 if self.twelve_bit else 10 if self.high_bitdepth else 8


class OperatingPoint(NamedTuple):
    """A choice of layers (section 5.5.1)."""

    idc: int
    """Temporal layers in bits 0 to 7, spatial ones in bits 8 to 11; 0 is everything."""
    level: int
    tier: int
    has_decoder_model: bool


class Timing(NamedTuple):
    """Bits of the times that frame headers state (sections 5.5.3 and 5.5.4); none need decoding."""

    has_decoder_model: bool = False
    buffer_delay_bits: int = 0
    buffer_removal_time_bits: int = 0
    presentation_time_bits: int = 0
    """0 where frames do not state theirs."""


class SequenceHeader(NamedTuple):
    """What a sequence header says, so far as it takes to read frame headers and write av1C."""

    profile: int
    reduced_still_picture: bool
    timing: Timing
    operating_points: tuple[OperatingPoint, ...]
    width_bits: int
    height_bits: int
    max_width: int
    """In pixels, of the largest spatial layer."""
    max_height: int
    delta_frame_id_bits: int
    """0 where frames have no id."""
    frame_id_bits: int
    order_hint_bits: int
    """0 where frames do not tell their order."""
    force_screen_content_tools: int
    force_integer_mv: int
    color: ColorConfig


def parse_sequence_header(payload: bytes | memoryview) -> SequenceHeader:
    """What a sequence header OBU's payload says (section 5.5.1).

    Raises:
        ValueError: It is truncated, or of a profile that there is not.
    """
    bits = Bits(payload[:_MAX_BYTES], "AV1 sequence header")
    profile = bits.take(3)
    if profile > _PROFESSIONAL:
        raise ValueError(f"AV1 sequence header states an unknown profile {profile}")
    bits.take(1)  # still_picture
    reduced = bits.flag()
    timing = Timing()
    if reduced:
        points: tuple[OperatingPoint, ...] = (OperatingPoint(0, bits.take(5), 0, False),)
    else:
        timing = _read_timing(bits)
        points = _read_operating_points(bits, timing)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    width, height = bits.take(width_bits) + 1, bits.take(height_bits) + 1
    delta_bits, id_bits = (0, 0) if reduced else _read_frame_ids(bits)
    bits.take(3)  # use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
    order_bits, tools, integer_mv = (0, SELECT, SELECT) if reduced else _read_tools(bits)
    bits.take(3)  # enable_superres, enable_cdef, enable_restoration
    return SequenceHeader(
        profile=profile,
        reduced_still_picture=reduced,
        timing=timing,
        operating_points=points,
        width_bits=width_bits,
        height_bits=height_bits,
        max_width=width,
        max_height=height,
        delta_frame_id_bits=delta_bits,
        frame_id_bits=id_bits,
        order_hint_bits=order_bits,
        force_screen_content_tools=tools,
        force_integer_mv=integer_mv,
        color=_read_color(bits, profile),
    )


def _read_timing(bits: Bits) -> Timing:
    """timing_info and decoder_model_info, if they are there."""
    if not bits.flag():
        return Timing()
    bits.take(64)  # num_units_in_display_tick, time_scale
    equal_picture_interval = bits.flag()
    if equal_picture_interval:
        zeros = 0  # num_ticks_per_picture_minus_1, uvlc() (section 4.10.3)
        while not bits.flag():
            zeros += 1
        bits.take(zeros if zeros < 32 else 0)
    if not bits.flag():
        return Timing()
    delay_bits = bits.take(5) + 1
    bits.take(32)  # num_units_in_decoding_tick
    removal_bits, presentation_bits = bits.take(5) + 1, bits.take(5) + 1
    return Timing(
        True, delay_bits, removal_bits, 0 if equal_picture_interval else presentation_bits
    )


def _read_operating_points(bits: Bits, timing: Timing) -> tuple[OperatingPoint, ...]:
    has_display_delay = bits.flag()
    points = []
    for _ in range(bits.take(5) + 1):
        idc, level = bits.take(12), bits.take(5)
        tier = bits.take(1) if level > 7 else 0
        has_model = timing.has_decoder_model and bits.flag()
        if has_model:
            bits.take(2 * timing.buffer_delay_bits + 1)  # operating_parameters_info
        if has_display_delay and bits.flag():
            bits.take(4)  # initial_display_delay_minus_1
        points.append(OperatingPoint(idc, level, tier, has_model))
    return tuple(points)


def _read_frame_ids(bits: Bits) -> tuple[int, int]:
    """Bits of delta_frame_id and of current_frame_id."""
    if not bits.flag():
        return 0, 0
    delta_bits = bits.take(4) + 2
    return delta_bits, delta_bits + bits.take(3) + 1


def _read_tools(bits: Bits) -> tuple[int, int, int]:
    """Bits of order hints, seq_force_screen_content_tools and seq_force_integer_mv."""
    bits.take(4)  # interintra and masked compound, warped motion, dual filter
    has_order_hints = bits.flag()
    if has_order_hints:
        bits.take(2)  # enable_jnt_comp, enable_ref_frame_mvs
    tools = SELECT if bits.flag() else bits.take(1)
    integer_mv = SELECT
    if tools and not bits.flag():
        integer_mv = bits.take(1)
    return bits.take(3) + 1 if has_order_hints else 0, tools, integer_mv


def _read_color(bits: Bits, profile: int) -> ColorConfig:
    """color_config (section 5.5.2)."""
    high = bits.flag()
    twelve = profile == _PROFESSIONAL and high and bits.flag()
    monochrome = profile != _HIGH and bits.flag()
    described = bits.flag()
    description = (bits.take(8), bits.take(8), bits.take(8)) if described else None
    if monochrome:
        bits.take(1)  # color_range
        return ColorConfig(high, twelve, True, True, True, 0)
    if description == (_BT_709, _SRGB, _IDENTITY):
        return ColorConfig(high, twelve, False, False, False, 0)
    bits.take(1)  # color_range
    across, down = profile != _HIGH, profile == _MAIN
    if twelve:
        across = bits.flag()
        down = across and bits.flag()
    return ColorConfig(high, twelve, False, across, down, bits.take(2) if across and down else 0)


def decoder_configuration(header: bytes, payload: bytes | memoryview) -> bytes:
    """AV1CodecConfigurationRecord, Matroska's CodecPrivate of AV1, of a sequence header OBU.

    AV1 Codec ISO Media File Format Binding, section 2.3.

     0 1 2 3 4 5 6 7
    +-+-+-+-+-+-+-+-+
    |1| version = 1 |
    | prof | level  |  of the first operating point, which is the one decoders choose
    |T|H|B|M|X|Y|csp|  tier, high bit depth, twelve bits, monochrome, chroma subsampling, position
    |0 0 0|0|0 0 0 0|  the initial presentation delay is not stated
    |  configOBUs   |  the sequence header
    +-+-+-+-+-+-+-+-+

    Raises:
        ValueError: The sequence header cannot be read.
    """
    sequence = parse_sequence_header(payload)
    point, color = sequence.operating_points[0], sequence.color
    flags = point.tier
    for flag in color[:-1]:
        flags = flags << 1 | flag
    record = bytes(
        (
            _MARKER_AND_VERSION,
            sequence.profile << 5 | point.level,
            flags << 2 | color.chroma_sample_position,
            0,
        )
    )
    return record + obu.write_obu(header, payload)
