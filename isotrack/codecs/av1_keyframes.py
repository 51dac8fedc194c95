"""Keyframes of AV1: a sequence header and a key frame in one temporal unit (AV1 section 7.5)."""

from __future__ import annotations

from collections.abc import Iterable

from isotrack.codecs import av1_obu as obu
from isotrack.codecs.av1_frame import KEY_FRAME, FrameHeader, Size, parse_frame_header
from isotrack.codecs.av1_sequence import (
    SequenceHeader,
    decoder_configuration,
    parse_sequence_header,
)
from isotrack.codecs.keyframes import WHOLE, PictureSize, note_size


class Av1Keyframes:
    """AV1 temporal units to begin with: each brings all that is needed (edge case 139)."""

    needs = WHOLE

    def __init__(self) -> None:
        self.sizes: list[PictureSize] = []
        self._configuration = b""

    @property
    def configuration(self) -> bytes:
        """The av1C of the first usable keyframe's sequence header."""
        return self._configuration

    def read(self, frame: bytes, timestamp: int, *, after_loss: bool) -> bool:  # noqa: ARG002
        """Find the sequence header, and note the size of the largest layer behind it."""
        units = list(obu.split_unit(frame))
        header = next((unit for unit in units if unit.kind == obu.SEQUENCE_HEADER), None)
        if header is None:
            return False
        try:
            sequence = parse_sequence_header(header.payload)
            size = _largest(units, sequence)
        except ValueError:
            return False
        if size is None:
            return False
        note_size(self.sizes, timestamp, *size)
        if not self._configuration:
            self._configuration = decoder_configuration(header.header, header.payload)
        return True


def _largest(units: Iterable[obu.Obu], sequence: SequenceHeader) -> Size | None:
    """The size of the largest frame of a temporal unit; None if it does not begin with a key frame.

    A key frame goes into all reference slots, from where the layers above it take their sizes.

    Raises:
        ValueError: A frame header is truncated.
    """
    slots: list[Size | None] = [None] * 8
    largest: Size | None = None
    for unit in units:
        if unit.kind not in (obu.FRAME_HEADER, obu.FRAME):
            continue
        layer = unit.temporal, unit.spatial
        frame = parse_frame_header(unit.payload, sequence, layer, slots)
        if largest is None and not _begins(frame):
            return None
        slots = [
            frame.size if frame.refreshes >> slot & 1 else size for slot, size in enumerate(slots)
        ]
        if largest is None or (frame.size and _area(frame.size) > _area(largest)):
            largest = frame.size
    return largest


def _begins(frame: FrameHeader) -> bool:
    """Whether decoding can begin with this frame: the first one has to be shown."""
    return frame.frame_type == KEY_FRAME and frame.shown and not frame.show_existing


def _area(size: Size) -> int:
    return size[0] * size[1]
