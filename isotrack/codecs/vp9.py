"""VP9 over RTP (RFC 9628): payload descriptor off, layer frame on.

A picture of several spatial layers needs more than its bytes joined: see `vp9_layers`.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs.media import Layering, Media, PacketColumns
from isotrack.codecs.vp9_descriptor import BEGIN, END, FLEXIBLE, INTER, LAYER, Descriptors
from isotrack.codecs.vp9_descriptor import read_descriptors as _read
from isotrack.codecs.vp9_packetizer import Place, packetize
from isotrack.codecs.vp9_switching import needs_base_only
from isotrack.codecs.vpx_layering import LONG_PICTURE_ID, SHORT_PICTURE_ID, optional, spread

__all__ = ["LayerFrames", "Place", "depacketize", "depacketize_layers", "packetize"]

_SYNC_CODE = 0x498342
_KEYFRAME_START = 5  # bytes that hold frame type and sync code in every profile


def _keyframe_starts() -> NDArray[np.bool_]:
    """A table that says of a frame's first byte whether a keyframe may begin so (VP9 section 6.2).

    Its bits are frame_marker (2), profile (2, low bit first), in profile 3 a zero, and then
    show_existing_frame and frame_type, where 0 is a keyframe.
    """
    first = np.arange(256)
    zeros = np.where(first & 0x30 == 0x30, 0x0E, 0x0C)
    starts: NDArray[np.bool_] = (first >> 6 == 2) & (first & zeros == 0)
    return starts


_STARTS_KEYFRAME = _keyframe_starts()


class LayerFrames(NamedTuple):
    """Which spatial layer's frame each packet is a part of, and what that needs: columns."""

    layer: NDArray[np.uint8]
    """SID, 0 the lowest."""
    begins: NDArray[np.bool_]
    """B: the first packet of a layer frame."""
    ends: NDArray[np.bool_]
    """E: the last packet of a layer frame."""
    inter_picture: NDArray[np.bool_]
    """P: it needs earlier pictures."""
    inter_layer: NDArray[np.bool_]
    """D: it needs the layer below in the same picture."""
    temporal: NDArray[np.uint8]
    """TID, 0 the lowest."""
    switches_up: NDArray[np.bool_]
    """U: from here on, temporal layers above need nothing of theirs from before."""


def depacketize(packets: PacketColumns) -> Media:
    """The media of VP9 packets: what follows the payload descriptor, where it stands."""
    return depacketize_layers(packets)[0]


def depacketize_layers(
    packets: PacketColumns, *, always: bool = False
) -> tuple[Media, LayerFrames | None]:
    """The media, and the spatial layers of the packets; None where all are of the lowest.

    Args:
        packets: in decode order.
        always: give the layers even then, to follow a stream that had higher ones before.
    """
    buffer, begin, length = packets.buffer, packets.payload_offset, packets.payload_length
    rows = np.flatnonzero(length > 0)
    end = begin[rows] + length[rows]
    found = _read(buffer, begin[rows], end)
    rest = end - found.media

    head, broken, keyframe = (np.zeros(length.size, np.bool_) for _ in range(3))
    broken[rows] = ~found.sound
    begins = found.sound & (found.flags & BEGIN != 0)
    # What is predicted from the layer below goes on with a frame; below SID 0 there is none,
    # whatever D says (edge case 93).
    head[rows] = begins & ((found.layer & 1 == 0) | (found.layer & 0x0E == 0))
    first = np.flatnonzero(begins & (rest >= _KEYFRAME_START))
    first = first[_STARTS_KEYFRAME[buffer[found.media[first]]]]
    keyframe[rows[first]] = _has_sync_code(buffer, found.media[first])
    filled = found.sound & (rest > 0)
    media = Media(
        buffer,
        head,
        broken,
        keyframe,
        rows[filled],
        found.media[filled],
        rest[filled],
        layers=partial(_layering, rows, length.size, found),
        plain=np.count_nonzero(filled) == length.size,
    )
    if not always and not (found.layer & 0x0E).any():
        return media, None
    return media, _layer_frames(rows, length.size, found)


def _has_sync_code(buffer: NDArray[np.uint8], frame: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether frame_sync_code follows the first bits, which in profile 3 are one more."""
    code = np.zeros(frame.size, np.int64)
    for position in range(1, _KEYFRAME_START):
        code = code << 8 | buffer[frame + position]
    shift = np.where(buffer[frame] & 0x30 == 0x30, 7, 8)
    has: NDArray[np.bool_] = code >> shift & 0xFFFFFF == _SYNC_CODE
    return has


def _layering(rows: NDArray[np.int64], count: int, found: Descriptors) -> Layering | None:
    """The columns of `Layering`; None where no packet has a PictureID."""
    if not (found.flags > 127).any():
        return None
    layering = Layering(
        picture=found.picture,
        modulo=np.where(found.is_long, LONG_PICTURE_ID, SHORT_PICTURE_ID),
        base=found.base,
        temporal=optional(found.layer >> 5, found.flags & LAYER),
        sync=needs_base_only(found.picture, found.layer, found.is_long),
        exact=found.flags & FLEXIBLE != 0,
        references=found.references,
    )
    return spread(layering, rows, found.sound, count)


def _layer_frames(rows: NDArray[np.int64], count: int, found: Descriptors) -> LayerFrames:
    layers = LayerFrames(
        layer=np.zeros(count, np.uint8),
        begins=np.zeros(count, np.bool_),
        ends=np.zeros(count, np.bool_),
        inter_picture=np.zeros(count, np.bool_),
        inter_layer=np.zeros(count, np.bool_),
        temporal=np.zeros(count, np.uint8),
        switches_up=np.zeros(count, np.bool_),
    )
    layers.layer[rows] = found.layer >> 1 & 7
    layers.begins[rows] = found.flags & BEGIN != 0
    layers.ends[rows] = found.flags & END != 0
    layers.inter_picture[rows] = found.flags & INTER != 0
    layers.inter_layer[rows] = found.layer & 1 != 0
    layers.temporal[rows] = found.layer >> 5
    layers.switches_up[rows] = found.layer & 0x10 != 0
    return layers
