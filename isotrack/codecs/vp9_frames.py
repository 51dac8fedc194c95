"""VP9 frames: how several make a superframe, whether they are shown, and keyframes among them.

A superframe's index (VP9 bitstream specification, annex B) stands behind its frames:

     0 1 2 3 4 5 6 7
    +-+-+-+-+-+-+-+-+
    |1 1 0| W |  N  |  W + 1: bytes of each size; N + 1: how many frames
    |  sizes, each with its low byte first: W + 1 times N + 1 bytes
    |1 1 0| W |  N  |  the same again
    +-+-+-+-+-+-+-+-+
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from isotrack.codecs.keyframes import WHOLE, PictureSize, note_size
from isotrack.codecs.vp9_header import (
    SLOTS,
    FrameHeader,
    HeaderBits,
    Size,
    read_header,
    skip_rest,
)

MAX_FRAMES = 8
"""As many frames as a superframe can hold."""

_MARKER = 0b110 << 5


def split_superframe(frame: bytes | memoryview) -> list[memoryview]:
    """The frames of a superframe; what has no sound index is a single frame."""
    whole = memoryview(frame)
    marker = whole[-1] if len(whole) else 0
    width, count = (marker >> 3 & 3) + 1, (marker & 7) + 1
    start = len(whole) - 2 - width * count
    if marker & 0xE0 != _MARKER or start < 0 or whole[start] != marker:
        return [whole]
    at = range(start + 1, len(whole) - 1, width)
    sizes = [int.from_bytes(whole[i : i + width], "little") for i in at]
    if sum(sizes) > start:
        return [whole]
    return [whole[a:z] for a, z in pairwise(accumulate(sizes, initial=0)) if z > a]


def superframe_index(sizes: Sequence[int]) -> bytes:
    """The index that makes frames of these sizes in bytes a superframe.

    Raises:
        ValueError: A superframe does not hold so many frames.
    """
    if not 0 < len(sizes) <= MAX_FRAMES:
        raise ValueError(f"a VP9 superframe holds 1 to {MAX_FRAMES} frames, not {len(sizes)}")
    width = max(1, (max(sizes).bit_length() + 7) // 8)
    marker = bytes((_MARKER | width - 1 << 3 | len(sizes) - 1,))
    return marker + b"".join(size.to_bytes(width, "little") for size in sizes) + marker


class Hidden(NamedTuple):
    """How a frame is written so that it is decoded, and not shown."""

    start: bytes
    """Goes before the rest of the frame."""
    replaced: int
    """Bytes of the frame in whose place it goes."""


def hide(frame: bytes | memoryview, bits: HeaderBits, header: FrameHeader) -> Hidden:
    """Write a frame's uncompressed header anew, with show_frame off.

    A frame that is not shown says if it is intra_only, so all but a keyframe's header grows by a
    bit. What the frame decodes to is the same.

    Args:
        frame: from its beginning; `vp9_header.MAX_HEADER` bytes of it are enough.
        bits: of that frame, from which the header was read.
        header: of a frame that is shown, and not an existing one.

    Raises:
        ValueError: The header is truncated.
    """
    skip_rest(bits, header)
    length = bits.length
    replaced = (length + 7) // 8
    value = int.from_bytes(frame[:replaced], "big") >> 8 * replaced - length
    behind = length - (9 if header.profile == 3 else 8)  # bits behind error_resilient_mode
    value &= ~(2 << behind)
    if not header.keyframe:
        value = value >> behind << behind + 1 | value & (1 << behind) - 1
        length += 1
    size = (length + 7) // 8
    return Hidden((value << 8 * size - length).to_bytes(size, "big"), replaced)


def refresh(slots: list[Size | None], header: FrameHeader) -> None:
    """Note the size of a decoded frame in the slots it goes into."""
    for slot in range(SLOTS):
        if header.refreshes >> slot & 1:
            slots[slot] = header.size


def is_keyframe(frame: bytes | memoryview) -> bool:
    """Whether a frame, or the first one of a superframe, is a keyframe by its bitstream."""
    try:
        return read_header(HeaderBits(frame), [None] * SLOTS).keyframe
    except ValueError:
        return False


class Vp9Keyframes:
    """VP9 keyframes (VP9 bitstream specification, section 6.2): nothing else is needed.

    Matroska's CodecPrivate is optional for VP9, and FFmpeg writes none.
    """

    configuration = b""
    needs = WHOLE

    def __init__(self) -> None:
        self.sizes: list[PictureSize] = []

    def read(self, frame: bytes, timestamp: int, *, after_loss: bool) -> bool:  # noqa: ARG002
        """Note the size of the picture: of a superframe, that of the last frame shown."""
        slots: list[Size | None] = [None] * SLOTS
        shown: Size | None = None
        try:
            for index, part in enumerate(split_superframe(frame)):
                header = read_header(HeaderBits(part), slots)
                if index == 0 and not header.keyframe:
                    return False
                refresh(slots, header)
                if header.shown and not header.show_existing:
                    shown = header.size
        except ValueError:
            return False
        note_size(self.sizes, timestamp, *(shown or slots[0] or (0, 0)))
        return True
