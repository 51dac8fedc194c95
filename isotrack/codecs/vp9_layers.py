"""Spatial layers of VP9 pictures, put together as Matroska and its players want them.

Layer frames of one picture make one superframe, of which only the highest is shown. Encoders show
every one of them: libvpx, which is what Chromium and GStreamer play VP9 with, gives out the last
frame of a superframe only; FFmpeg's own decoder gives out all that are shown, and of frames of one
time its command keeps the first, which is the smallest picture (measured with FFmpeg 5.1 and 8.1).
So those below the highest are rewritten with show_frame off, which changes nothing in what any of
them decodes to.

What is lost or cannot be decoded is left out, and what is below it is kept.

The assembler calls this for every push from the first one that holds a higher layer on:

    media, layers = vp9.depacketize_layers(packets, always=spatial.active)
    if layers is not None:
        pictures = spatial.assemble(media, layers, unit, lost_before, marker)

`pictures.media` goes in the place of `media`. `pictures.whole` is true of all that can be decoded
once decoding has begun at a keyframe, lost pictures considered. A change of `pictures.size` is to
be noted for each unit kept (`note_size`): layers come and go between keyframes too.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs.keyframes import PictureSize
from isotrack.codecs.media import Media
from isotrack.codecs.vp9 import LayerFrames
from isotrack.codecs.vp9_chains import LayerChains, LayerFrame
from isotrack.codecs.vp9_frames import Hidden, hide, refresh, superframe_index
from isotrack.codecs.vp9_header import (
    MAX_HEADER,
    SLOTS,
    FrameHeader,
    HeaderBits,
    Size,
    read_header,
)
from isotrack.codecs.vp9_slices import SliceEditor


class Pictures(NamedTuple):
    """Pictures made of spatial layers: columns, a row per unit."""

    media: Media
    """The packets' media; a whole unit's slices, joined, are the picture as Matroska has it."""
    whole: NDArray[np.bool_]
    """At least one layer can be decoded."""
    keyframe: NDArray[np.bool_]
    """It begins with a keyframe."""
    size: NDArray[np.int64]
    """[units, 2] width and height shown; 0, 0 where the picture is not whole, or states none."""
    left_out: NDArray[np.int64]
    """Layer frames that are left out, of those there are any packets of."""


class _Parsed(NamedTuple):
    """A layer frame whose header has been read."""

    frame: LayerFrame
    start: bytes
    bits: HeaderBits
    header: FrameHeader


class SpatialLayers:
    """Puts together the spatial layers of one stream.

    Args:
        sizes: of its keyframes so far, from `Vp9Keyframes`: a stream may have had one layer only,
            and this class not been asked, when its last keyframe came.
    """

    def __init__(self, sizes: Sequence[PictureSize]) -> None:
        self._sizes = sizes
        self._chains = LayerChains()
        self._slots: list[Size | None] = [None] * SLOTS
        self.active = False
        """There has been a higher layer."""

    def assemble(
        self,
        media: Media,
        layers: LayerFrames,
        unit: NDArray[np.int64],
        lost_before: NDArray[np.int64],
        marker: NDArray[np.bool_],
    ) -> Pictures:
        """Make pictures of layer frames.

        Args:
            media: of packets with payload, in decode order; whole units only.
            layers: of the same packets.
            unit: [packets] the number of the access unit, 0 to the number of units less one.
            lost_before: [packets + 1] packets missing before each, and behind the last.
            marker: [packets] the marker bit.
        """
        if not self.active and self._sizes:
            self._slots = [(self._sizes[-1].width, self._sizes[-1].height)] * SLOTS
        self.active = True
        count = int(unit[-1]) + 1 if unit.size else 0
        pictures = Pictures(
            media,
            whole=np.zeros(count, np.bool_),
            keyframe=np.zeros(count, np.bool_),
            size=np.zeros((count, 2), np.int64),
            left_out=np.zeros(count, np.int64),
        )
        editor = SliceEditor(media)
        gaps = _gaps(layers, media.broken, unit, lost_before, marker, count)
        lost = lost_before[np.searchsorted(unit, np.arange(count))].tolist()
        for index, frames in enumerate(_layer_frames(media, layers, unit, lost_before, count)):
            chosen = self._chains.choose(frames, gap=bool(gaps[index]), lost=lost[index])
            parsed = self._parse(editor, chosen)
            self._chains.lose(chosen[len(parsed) :])
            pictures.left_out[index] = len(frames) - len(parsed)
            if not parsed:
                continue
            pictures.whole[index] = True
            pictures.keyframe[index] = parsed[0].header.keyframe
            pictures.size[index] = parsed[-1].header.size
            for frame in set(frames) - {each.frame for each in parsed}:
                editor.drop(frame.first, frame.last)
            if len(parsed) > 1:
                _join(editor, parsed)
        return pictures._replace(media=editor.finish())

    def _parse(self, editor: SliceEditor, frames: Sequence[LayerFrame]) -> list[_Parsed]:
        """Read the headers of layer frames, up to the first that cannot be decoded for its own."""
        parsed: list[_Parsed] = []
        for frame in frames:
            start = editor.start(frame.first, frame.last, MAX_HEADER)
            bits = HeaderBits(start)
            try:
                header = read_header(bits, self._slots)
            except ValueError:
                break
            if any(self._slots[slot] is None for slot in header.references):
                break
            refresh(self._slots, header)
            parsed.append(_Parsed(frame, start, bits, header))
        return parsed


def _join(editor: SliceEditor, parsed: Sequence[_Parsed]) -> None:
    """Make a superframe of layer frames, and hide all but the last."""
    sizes = []
    for below, above in pairwise(parsed):
        first, last = below.frame.first, below.frame.last
        if below.header.show_existing:
            editor.drop(first, last)  # all it does is to be shown
            continue
        hidden = _hidden(below, above.header)
        sizes.append(editor.size(first, last) - hidden.replaced + len(hidden.start))
        if hidden.replaced:
            editor.replace(first, last, hidden.replaced, hidden.start)
    if sizes:
        top = parsed[-1].frame
        sizes.append(editor.size(top.first, top.last))
        editor.append(top.last, superframe_index(sizes))


def _hidden(below: _Parsed, above: FrameHeader) -> Hidden:
    """How the lower frame is hidden, if it is not, and need not stay as it is.

    Motion vectors are predicted from those of the frame before only if that was shown, has the same
    size and the frame is not error resilient: hiding it would change the one above.
    """
    if not below.header.shown or (above.size == below.header.size and not above.resilient):
        return Hidden(b"", 0)
    try:
        return hide(below.start, below.bits, below.header)
    except ValueError:
        return Hidden(b"", 0)


def _gaps(
    layers: LayerFrames,
    broken: NDArray[np.bool_],
    unit: NDArray[np.int64],
    lost_before: NDArray[np.int64],
    marker: NDArray[np.bool_],
    count: int,
) -> NDArray[np.bool_]:
    """Units that may have lost layers of which not a packet is there."""
    lost = lost_before > 0
    begins = np.diff(unit, prepend=-1) != 0
    bottom = begins & layers.begins & (layers.layer == 0)
    ends = np.append(begins[1:], True)
    gap = lost[:-1] & ~bottom | lost[1:] & ends & ~marker | broken
    return np.bincount(unit, gap, minlength=count) > 0


def _layer_frames(
    media: Media,
    layers: LayerFrames,
    unit: NDArray[np.int64],
    lost_before: NDArray[np.int64],
    count: int,
) -> list[list[LayerFrame]]:
    """The layer frames of each unit, complete or not."""
    frames: list[list[LayerFrame]] = [[] for _ in range(count)]
    if not unit.size:
        return frames
    begins = layers.begins & ~media.broken
    new = (np.diff(unit, prepend=-1) != 0) | (np.diff(layers.layer, prepend=0) != 0) | begins
    first = np.flatnonzero(new)
    last = np.append(first[1:], unit.size) - 1
    lost = lost_before > 0
    holes = np.where(new, False, lost[:-1]) | media.broken
    # Where nothing is missing behind a frame, it has ended, whether its sender sets E or not.
    cut = ~layers.ends & (lost[1:] | np.append(media.broken[1:], False))
    filled = np.bincount(media.slice_packet, minlength=unit.size) > 0
    complete = (
        begins[first]
        & ~cut[last]
        & ~np.logical_or.reduceat(holes, first)
        & np.logical_or.reduceat(filled, first)
    )
    columns = (
        layers.layer[first],
        complete,
        media.keyframe[first],
        layers.inter_picture[first],
        layers.inter_layer[first],
        layers.temporal[first],
        layers.switches_up[first],
        *_pictures(media, first),
    )
    rows = zip(*(column.tolist() for column in (unit[first], first, last, *columns)), strict=True)
    for number, begin, end, *says, references in rows:
        frame = (*says, tuple(filter(None, references)), begin, end)
        frames[number].append(LayerFrame._make(frame))
    return frames


def _pictures(media: Media, rows: NDArray[np.int64]) -> tuple[NDArray[np.generic], ...]:
    """Number and modulo of the picture, the base layer's number, and the pictures it needs."""
    layering = media.layering
    if layering is None:
        none = np.full(rows.size, -1, np.int64)
        return none, none + 129, none, np.zeros((rows.size, 0), np.int64)
    return (
        layering.picture[rows],
        layering.modulo[rows],
        layering.base[rows],
        layering.references[rows],
    )
