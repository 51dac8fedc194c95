"""Pictures made of VP9's spatial layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isotrack.codecs import vp9
from isotrack.codecs.keyframes import PictureSize, note_size
from isotrack.codecs.media import Media, PacketColumns
from isotrack.codecs.vp9 import LayerFrames
from isotrack.codecs.vp9_layers import SpatialLayers
from isotrack.media.decodability import Units
from isotrack.media.ordering import Ordered


class Vp9Pictures:
    """Depacketizes one stream, and puts the layers of each picture together where it has several.

    Args:
        sizes: of its keyframes; changes of size between them are added.
    """

    def __init__(self, sizes: list[PictureSize]) -> None:
        self._sizes = sizes
        self._spatial = SpatialLayers(sizes)
        self._layers: LayerFrames | None = None

    def depacketize(self, packets: PacketColumns) -> Media:
        """The media of the packets, layers still apart."""
        media, self._layers = vp9.depacketize_layers(packets, always=self._spatial.active)
        return media

    def refine(self, ordered: Ordered, media: Media, units: Units) -> tuple[Media, Units]:
        """The pictures of the units, where any has had more than one layer so far."""
        if self._layers is None:
            return media, units
        pictures = self._spatial.assemble(
            media, self._layers, units.unit, ordered.lost_before, ordered.packets.marker
        )
        changed = units._replace(whole=pictures.whole, keyframe=pictures.keyframe, chained=True)
        self._note_sizes(pictures.size.tolist(), changed)
        return pictures.media._replace(layers=None, plain=False), changed

    def _note_sizes(self, sizes: Sequence[Sequence[int]], units: Units) -> None:
        for i in np.flatnonzero(units.whole).tolist():
            width, height = sizes[i]
            if width and height:
                note_size(self._sizes, int(units.timestamp[i]), width, height)
