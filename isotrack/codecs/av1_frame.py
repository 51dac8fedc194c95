"""AV1 frame headers, as far as type and size (AV1 section 5.9.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from isotrack.codecs.av1_sequence import SELECT, SequenceHeader
from isotrack.codecs.bits import Bits

KEY_FRAME, INTER_FRAME, INTRA_ONLY_FRAME, SWITCH_FRAME = range(4)
_SLOTS, _REFERENCES = 8, 7
_ALL_SLOTS = 0xFF

Size = tuple[int, int]
"""Width and height in pixels."""


class FrameHeader(NamedTuple):
    """The beginning of a frame header."""

    frame_type: int
    show_existing: bool
    """Shows a frame decoded before, and holds none."""
    shown: bool
    refreshes: int
    """refresh_frame_flags: a bit per reference slot that the frame goes into."""
    size: Size | None
    """Before superres, so that it is what is shown; None where the frames it refers to have a part
    in it and are not known."""


def parse_frame_header(
    payload: bytes | memoryview,
    sequence: SequenceHeader,
    layer: tuple[int, int] = (0, 0),
    slots: Sequence[Size | None] = (None,) * _SLOTS,
) -> FrameHeader:
    """What a frame header, or a frame that begins with one, says of itself.

    Args:
        payload: of the OBU.
        sequence: the sequence header in force.
        layer: temporal and spatial layer, of the OBU's header.
        slots: sizes of the eight reference slots, where known.

    Raises:
        ValueError: It is truncated.
    """
    bits = Bits(payload[:64], "AV1 frame header")  # they hold more than what is read
    frame_type, shown, resilient = KEY_FRAME, True, True
    if not sequence.reduced_still_picture:
        if bits.flag():
            return FrameHeader(INTER_FRAME, True, True, 0, None)
        frame_type, shown, resilient = _read_type(bits, sequence)
    overrides = _read_tools(bits, sequence, frame_type)
    is_intra = frame_type in (KEY_FRAME, INTRA_ONLY_FRAME)
    if not (is_intra or resilient):
        bits.take(3)  # primary_ref_frame
    if sequence.timing.has_decoder_model:
        _skip_removal_times(bits, sequence, layer)
    refreshes = _ALL_SLOTS
    if not (frame_type == SWITCH_FRAME or (frame_type == KEY_FRAME and shown)):
        refreshes = bits.take(8)
    if (not is_intra or refreshes != _ALL_SLOTS) and resilient:
        bits.take(_SLOTS * sequence.order_hint_bits)  # ref_order_hint
    if not overrides:
        size: Size | None = (sequence.max_width, sequence.max_height)
    elif is_intra:
        size = _read_size(bits, sequence)
    else:
        size = _read_inter_size(bits, sequence, resilient, slots)
    return FrameHeader(frame_type, False, shown, refreshes, size)


def _read_type(bits: Bits, sequence: SequenceHeader) -> tuple[int, bool, bool]:
    """frame_type, show_frame, and error_resilient_mode."""
    frame_type, shown = bits.take(2), bits.flag()
    if shown:
        bits.take(sequence.timing.presentation_time_bits)
    else:
        bits.take(1)  # showable_frame
    resilient = frame_type == SWITCH_FRAME or (frame_type == KEY_FRAME and shown)
    return frame_type, shown, resilient or bits.flag()


def _read_tools(bits: Bits, sequence: SequenceHeader, frame_type: int) -> bool:
    """frame_size_override_flag; reads from disable_cdf_update up to order_hint."""
    bits.take(1)  # disable_cdf_update
    tools = sequence.force_screen_content_tools
    if tools == SELECT:
        tools = bits.take(1)
    if tools and sequence.force_integer_mv == SELECT:
        bits.take(1)  # force_integer_mv
    bits.take(sequence.frame_id_bits)  # current_frame_id
    overrides = frame_type == SWITCH_FRAME
    if not (overrides or sequence.reduced_still_picture):
        overrides = bits.flag()
    bits.take(sequence.order_hint_bits)  # order_hint
    return overrides


def _skip_removal_times(bits: Bits, sequence: SequenceHeader, layer: tuple[int, int]) -> None:
    """Steps over the times at which the operating points take the frame from the buffer."""
    if not bits.flag():
        return
    temporal, spatial = layer
    for point in sequence.operating_points:
        if not point.has_decoder_model:
            continue
        in_both = point.idc >> temporal & 1 and point.idc >> spatial + 8 & 1
        if not point.idc or in_both:
            bits.take(sequence.timing.buffer_removal_time_bits)


def _read_size(bits: Bits, sequence: SequenceHeader) -> Size:
    """frame_size, where it is not that of the sequence (section 5.9.5)."""
    return bits.take(sequence.width_bits) + 1, bits.take(sequence.height_bits) + 1


def _read_inter_size(
    bits: Bits, sequence: SequenceHeader, resilient: bool, slots: Sequence[Size | None]
) -> Size | None:
    """The size of a frame that refers to others, from which it may take it (section 5.9.7)."""
    if sequence.order_hint_bits and bits.flag():  # frame_refs_short_signaling
        return None
    references = []
    for _ in range(_REFERENCES):
        references.append(bits.take(3))
        bits.take(sequence.delta_frame_id_bits)
    if not resilient:
        for reference in references:
            if bits.flag():  # found_ref
                return slots[reference]
    return _read_size(bits, sequence)
