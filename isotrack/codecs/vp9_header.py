"""VP9's uncompressed header (VP9 bitstream specification, section 6.2), bit by bit.

Every frame begins with it; profile 3 has a zero bit more behind its profile:

     0 1 2 3 4 5 6 7
    +-+-+-+-+-+-+-+-+
    |1 0|L H|X|T|S|R|  L, H: the low and the high bit of the profile; X: show_existing_frame;
    +-+-+-+-+-+-+-+-+  T: frame_type, 0 a keyframe; S: show_frame; R: error_resilient_mode
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from isotrack.codecs.bits import Bits

SLOTS = 8
"""Frames that a decoder keeps to predict others from."""

MAX_HEADER = 128
"""Bytes; the longest header, with every optional part, takes fewer."""

_SYNC_CODE = 0x498342
_RGB = 7
_FEATURES = ((8, True), (6, True), (2, False), (0, False))  # bits of a segment's, and if signed

Size = tuple[int, int]
"""Width and height in pixels."""


class FrameHeader(NamedTuple):
    """What a frame says of itself."""

    profile: int
    show_existing: bool
    """Shows a frame decoded before, and holds none."""
    keyframe: bool
    shown: bool
    resilient: bool
    """error_resilient_mode: needs no state of the decoder but the frames it refers to."""
    references: tuple[int, ...]
    """Slots of the frames it may be predicted from: three, or none."""
    refreshes: int
    """refresh_frame_flags: a bit for each slot it goes into."""
    size: Size
    """0, 0 where it shows an existing frame."""


class HeaderBits(Bits):
    """Reads a header, and knows how much of it has been read.

    Of layers, every frame's is read: held as one number, that takes a third of the time.
    """

    def __init__(self, frame: bytes | memoryview) -> None:
        super().__init__(frame[:MAX_HEADER], "VP9 uncompressed header")
        self.length = 0
        """Bits read."""
        self._number = int.from_bytes(self._bytes, "big")
        self._size = 8 * len(self._bytes)

    def take(self, count: int) -> int:
        """An unsigned number of so many bits, f(n). Raises ValueError behind the end."""
        self.length += count
        if self.length > self._size:
            raise ValueError(f"{self._name} is truncated after {len(self._bytes)} bytes")
        return self._number >> self._size - self.length & (1 << count) - 1

    def skip_optional(self, count: int) -> None:
        """Step over a field of so many bits that is there if the bit before it is set."""
        if self.flag():
            self.take(count)


def read_header(bits: HeaderBits, slots: Sequence[Size | None]) -> FrameHeader:
    """Read a header up to the size of the frame.

    Args:
        bits: from the beginning of the frame.
        slots: the sizes of the frames in the decoder's slots, where known.

    Raises:
        ValueError: It is truncated or not VP9's, or takes its size from a frame not known.
    """
    if bits.take(2) != 2:
        raise ValueError("VP9 frame does not begin with a frame marker")
    profile = bits.take(1) | bits.take(1) << 1
    if profile == 3:
        bits.take(1)  # reserved_zero
    if bits.flag():
        bits.take(3)  # frame_to_show_map_idx
        return FrameHeader(profile, True, False, True, False, (), 0, (0, 0))
    keyframe, shown, resilient = not bits.flag(), bits.flag(), bits.flag()
    references: tuple[int, ...] = ()
    refreshes = (1 << SLOTS) - 1
    if keyframe:
        _skip_color(bits, profile)
        size = _read_size(bits)
    else:
        intra_only = not shown and bits.flag()
        bits.take(0 if resilient else 2)  # reset_frame_context
        if intra_only:
            _skip_color(bits, profile, implied=profile == 0)
        refreshes = bits.take(SLOTS)
        if intra_only:
            size = _read_size(bits)
        else:
            each = bits.take(12)  # three of them, each with its sign_bias
            references = (each >> 9, each >> 5 & 7, each >> 1 & 7)
            size = _read_size_with_references(bits, [slots[slot] for slot in references])
    bits.skip_optional(32)  # render_size, which only advises
    return FrameHeader(profile, False, keyframe, shown, resilient, references, refreshes, size)


def _skip_color(bits: HeaderBits, profile: int, *, implied: bool = False) -> None:
    """Step over frame_sync_code and color_config (section 6.2.2)."""
    if bits.take(24) != _SYNC_CODE:
        raise ValueError("VP9 frame has no sync code")
    if implied:
        return
    bits.take(profile >= 2)  # ten_or_twelve_bit
    if bits.take(3) != _RGB:
        bits.take(3 if profile & 1 else 1)  # color_range; subsampling_x, subsampling_y
    bits.take(profile & 1)  # reserved_zero


def _read_size(bits: HeaderBits) -> Size:
    width = bits.take(16) + 1
    return width, bits.take(16) + 1


def _read_size_with_references(bits: HeaderBits, sizes: Sequence[Size | None]) -> Size:
    """The size of the first reference that found_ref names, or one of its own (section 6.2.5)."""
    for size in sizes:
        if bits.flag():
            if size is None:
                raise ValueError("VP9 frame has the size of a frame that is not known")
            return size
    return _read_size(bits)


def skip_rest(bits: HeaderBits, header: FrameHeader) -> None:
    """Read a header on, from behind the size of the frame to its end.

    Raises:
        ValueError: It is truncated.
    """
    if header.references:
        bits.take(1)  # allow_high_precision_mv
        bits.take(0 if bits.flag() else 2)  # is_filter_switchable, raw_interpolation_filter
    bits.take(0 if header.resilient else 2)  # refresh_frame_context, frame_parallel_decoding_mode
    bits.take(2)  # frame_context_idx
    _skip_loop_filter(bits)
    bits.take(8)  # base_q_idx
    for _ in range(3):
        bits.skip_optional(5)  # delta_q
    if bits.flag():
        _skip_segmentation(bits)
    _skip_tiles(bits, header.size[0])
    bits.take(16)  # header_size_in_bytes, of the compressed header that follows


def _skip_loop_filter(bits: HeaderBits) -> None:
    """Step over loop_filter_params (section 6.2.8)."""
    bits.take(9)  # loop_filter_level, loop_filter_sharpness
    if bits.flag() and bits.flag():  # loop_filter_delta_enabled, loop_filter_delta_update
        for _ in range(6):
            bits.skip_optional(7)  # loop_filter_ref_deltas, loop_filter_mode_deltas


def _skip_segmentation(bits: HeaderBits) -> None:
    """Step over segmentation_params that are enabled (section 6.2.11)."""
    if bits.flag():  # segmentation_update_map
        for _ in range(7):
            bits.skip_optional(8)  # segmentation_tree_probs
        if bits.flag():  # segmentation_temporal_update
            for _ in range(3):
                bits.skip_optional(8)  # segmentation_pred_prob
    if bits.flag():  # segmentation_update_data
        bits.take(1)  # segmentation_abs_or_delta_update
        for _ in range(8):
            for width, is_signed in _FEATURES:
                bits.skip_optional(width + is_signed)


def _skip_tiles(bits: HeaderBits, width: int) -> None:
    """Step over tile_info (section 6.2.14): tiles are 4 to 64 blocks of 64 pixels wide."""
    blocks = (width + 63) // 64
    least = most = 0
    while 64 << least < blocks:
        least += 1
    while blocks >> most + 1 >= 4:
        most += 1
    while least < most and bits.flag():  # increment_tile_cols_log2
        least += 1
    bits.skip_optional(1)  # tile_rows_log2
