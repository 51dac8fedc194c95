"""VP9 layer frames into RTP payloads (RFC 9628 section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from isotrack.codecs.vp9_descriptor import (
    BEGIN,
    END,
    FLEXIBLE,
    INTER,
    LAYER,
    PICTURE,
    STRUCTURE,
)
from isotrack.codecs.vp9_frames import is_keyframe


class Place(NamedTuple):
    """Where a frame stands among the layers, for its descriptor."""

    spatial: int = 0
    temporal: int = 0
    sync: bool = False
    """U: from here on, temporal layers above need nothing of theirs from before."""
    inter_layer: bool = False
    """D: it needs the layer below in the same picture."""
    inter_picture: bool = False
    """P: it needs earlier pictures."""
    base: int = 0
    """TL0PICIDX; flexible mode has none."""
    references: Sequence[int] | None = None
    """P_DIFF of the pictures it needs, one to three where `inter_picture`; None is non-flexible
    mode."""
    structure: bytes = b""
    """The scalability structure, if it is sent with this frame."""


def packetize(
    frame: bytes, picture_id: int, max_payload: int, place: Place | None = None
) -> list[bytes]:
    """The RTP payloads of a layer frame, none longer than `max_payload`, with a 15-bit PictureID.

    The layer frames of one picture share its PictureID and timestamp; the marker belongs to the
    last packet of the last one.

    Args:
        frame: what the encoder gave for one layer.
        picture_id: of the picture.
        max_payload: in bytes.
        place: None says nothing of layers.

    Raises:
        ValueError: The payloads have no room for media.
    """
    picture = (0x8000 | picture_id & 0x7FFF).to_bytes(2, "big")
    flags, fields = PICTURE | (0 if is_keyframe(frame) else INTER), b""
    structure = b"" if place is None else place.structure
    if place is not None:
        flags, fields = _describe(place)
    room = max_payload - 1 - len(picture) - len(fields)
    first = room - len(structure)
    if first < 1:
        raise ValueError(f"VP9 payloads of {max_payload} bytes have no room for media")
    payloads = []
    for at, end in pairwise((0, *range(first, len(frame), room), len(frame))):
        own = flags | (0 if at else BEGIN) | (END if end == len(frame) else 0)
        opening = b"" if at else structure
        payload = bytes((own | (STRUCTURE if opening else 0),)) + picture + fields + opening
        payloads.append(payload + frame[at:end])
    return payloads


def _describe(place: Place) -> tuple[int, bytes]:
    """The flags every packet of the frame has, and the fields that follow its PictureID."""
    flags = PICTURE | LAYER | (INTER if place.inter_picture else 0)
    layer = place.temporal << 5 | place.sync << 4 | place.spatial << 1 | place.inter_layer
    if place.references is None:
        return flags, bytes((layer, place.base & 0xFF))
    differences = bytearray(d << 1 | 1 for d in place.references if place.inter_picture)
    differences[-1:] = bytes(d & 0xFE for d in differences[-1:])  # no more after the last
    return flags | FLEXIBLE, bytes((layer, *differences))
