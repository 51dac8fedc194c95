"""Which spatial layers of a VP9 picture can be decoded after a loss (RFC 9628 section 4.2).

A layer frame needs earlier pictures of its own layer (P; the ones of P_DIFF in flexible mode) and
the layer below it in its own picture (D). Pictures are taken to need only pictures of their own
temporal layer or of lower ones (TID), and U to end what higher ones need from before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

LAYERS = 8
_UNBROKEN = 8  # above every TID
_HISTORY = 128  # pictures: P_DIFF has seven bits


class LayerFrame(NamedTuple):
    """A spatial layer's part of a picture."""

    layer: int
    """SID."""
    complete: bool
    """All of its packets are there."""
    keyframe: bool
    inter_picture: bool
    inter_layer: bool
    temporal: int
    switches_up: bool
    """U."""
    picture: int
    """PictureID; -1 without one."""
    modulo: int
    base: int
    """TL0PICIDX; -1 without one."""
    references: tuple[int, ...]
    """P_DIFF; none in non-flexible mode."""
    first: int
    """Its first packet."""
    last: int
    """Its last packet."""


class LayerChains:
    """Follows, picture by picture, which layers have all that their next frame may need.

    The first picture may be any: of the lowest layer, what came before is taken to be there.
    """

    def __init__(self) -> None:
        # The lowest TID of which a picture is missing, by layer; those above begin afresh.
        self._broken = [_UNBROKEN] + [0] * (LAYERS - 1)
        self._usable: dict[int, int] = {}  # by picture, a bit for each layer
        self._floor = 0
        self._last: LayerFrame | None = None

    def choose(self, frames: Sequence[LayerFrame], *, gap: bool, lost: int) -> list[LayerFrame]:
        """The layer frames of a picture that can be decoded, the lowest first.

        Args:
            frames: what there is of the picture, in order.
            gap: packets are missing that may have been of layers not in `frames`.
            lost: packets missing just before the picture.
        """
        if lost:
            self._miss_pictures(frames[0], lost)
        self._last = frames[0]
        self._find_floor(frames)
        chosen: dict[int, LayerFrame] = {}
        for frame in frames:
            if (
                frame.layer >= self._floor
                and frame.layer > max(chosen, default=-1)
                and self._has_all(frame)
                and (frame.layer == 0 or not frame.inter_layer or frame.layer - 1 in chosen)
            ):
                chosen[frame.layer] = frame
        self._note(frames, chosen, gap=gap)
        return list(chosen.values())

    def lose(self, frames: Sequence[LayerFrame]) -> None:
        """Take back layer frames chosen last, that turn out not to be decodable."""
        for frame in frames:
            self._broken[frame.layer] = min(self._broken[frame.layer], frame.temporal)
            if frame.picture in self._usable:  # a frame may have no number
                self._usable[frame.picture] &= ~(1 << frame.layer)

    def _miss_pictures(self, frame: LayerFrame, lost: int) -> None:
        """Note the pictures of which nothing came; none where PictureID has no gap (edge case 58).

        Where the base layer's number goes on, they were of temporal layers above it.
        """
        last = self._last or frame._replace(picture=-1)
        modulo = min(frame.modulo, last.modulo)
        step = (frame.picture - last.picture) % modulo
        known = frame.picture >= 0 and last.picture >= 0 and lost < modulo
        if known and step <= 1:
            return
        expected = last.base if frame.temporal else (last.base + 1) % 256
        lowest = int(known and step < _HISTORY and frame.base == expected and last.base >= 0)
        self._broken = [min(temporal, lowest) for temporal in self._broken]
        for difference in range(1, min(step, _HISTORY) if known else _HISTORY):
            self._remember((frame.picture - difference) % frame.modulo, 0)

    def _find_floor(self, frames: Sequence[LayerFrame]) -> None:
        """Find the lowest layer worth keeping: none below a keyframe, which replaces all they need.

        Layers that do without each other (scalability modes S2T1 to S3T3) each have keyframes, and
        one decoder follows only one of them; it changes to a lower one when its own is lost.
        """
        keyframes = [frame.layer for frame in frames if frame.complete and frame.keyframe]
        if not keyframes:
            return
        alive = any(
            frame.layer == self._floor and not frame.inter_layer and self._has_all(frame)
            for frame in frames
        )
        if max(keyframes) >= self._floor or not alive:
            self._floor = max(keyframes)

    def _has_all(self, frame: LayerFrame) -> bool:
        """Whether a layer frame is complete, and so is what it needs of earlier pictures."""
        if not frame.complete or frame.keyframe or not frame.inter_picture:
            return frame.complete
        if frame.references:
            earlier = (
                (frame.picture - difference) % frame.modulo for difference in frame.references
            )
            return all(self._usable.get(picture, 1) >> frame.layer & 1 for picture in earlier)
        return frame.temporal < self._broken[frame.layer]

    def _note(
        self, frames: Sequence[LayerFrame], chosen: dict[int, LayerFrame], *, gap: bool
    ) -> None:
        """Note what later frames will find of this picture."""
        temporal = frames[0].temporal
        present = {frame.layer for frame in frames}
        begins = any(frame.keyframe for frame in chosen.values())
        for layer in range(LAYERS):
            if layer in chosen:
                if self._mends(chosen[layer]):
                    self._broken[layer] = _UNBROKEN
            elif begins:
                self._broken[layer] = 0
            elif gap or layer in present:
                self._broken[layer] = min(self._broken[layer], temporal)
        self._remember(frames[0].picture, sum(1 << layer for layer in chosen))

    def _mends(self, frame: LayerFrame) -> bool:
        """Whether nothing behind this layer frame needs what is missing before it."""
        refreshes = frame.temporal == 0 and not frame.inter_picture
        switches_up = frame.switches_up and frame.temporal < self._broken[frame.layer]
        return frame.keyframe or refreshes or switches_up

    def _remember(self, picture: int, layers: int) -> None:
        self._usable.pop(picture, None)
        self._usable[picture] = layers
        if len(self._usable) > _HISTORY:
            del self._usable[next(iter(self._usable))]
