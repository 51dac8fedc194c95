"""What a keyframe tells: if decoding can begin there, the picture size, the codec's set-up.

Only keyframes are looked into, once every few seconds; all other frames pass unread. Each codec has
a reader of its own (`vp8.Vp8Keyframes`, `h264_keyframes.H264Keyframes`, ...).
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

WHOLE = 1 << 30
"""Bytes that no keyframe has."""


class PictureSize(NamedTuple):
    """The picture has this size from an RTP timestamp on."""

    timestamp: int
    width: int
    height: int


class KeyframeReader(Protocol):
    """Reads the keyframes of one stream in order."""

    sizes: list[PictureSize]
    """Each change of size, the first size first."""
    needs: int
    """Bytes of each keyframe that are looked at, from its first one on."""

    def read(self, frame: bytes, timestamp: int, *, after_loss: bool) -> bool:
        """Look at a keyframe, or at what is needed of it. True when decoding can begin there."""

    @property
    def configuration(self) -> bytes:
        """Matroska's CodecPrivate for a track that begins with the first usable keyframe."""


def note_size(sizes: list[PictureSize], timestamp: int, width: int, height: int) -> None:
    """Append a size if it is not the last one noted."""
    if not sizes or (sizes[-1].width, sizes[-1].height) != (width, height):
        sizes.append(PictureSize(timestamp, width, height))
