"""H.265's leading pictures that cannot be decoded where decoding begins (section 3: RASL)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs.h265_pictures import LeadingPictures
from isotrack.codecs.media import PacketColumns
from isotrack.media.decodability import Units
from isotrack.media.ordering import Pictures


class Leading:
    """Finds them in one stream.

    Args:
        carries_rasl: marks the packets of RASL pictures.
    """

    def __init__(self, carries_rasl: Pictures) -> None:
        self._carries_rasl = carries_rasl
        self._pictures = LeadingPictures()
        self._broken = True

    def find(self, packets: PacketColumns) -> NDArray[np.bool_]:
        """Mark the packets of leading pictures; to be asked before they are depacketized."""
        return self._carries_rasl(packets)

    def undecodable(
        self,
        rasl: NDArray[np.bool_],
        units: Units,
        entry: NDArray[np.bool_],
        kept: NDArray[np.bool_],
    ) -> NDArray[np.bool_]:
        """Mark the units that cannot be decoded, for what they refer to is not there.

        Args:
            rasl: [packets] as `find` gave it.
            units: of these packets.
            entry: [units] at which decoding may begin.
            kept: [units] those that can be decoded otherwise.
        """
        count = len(kept)
        if not count:
            return np.zeros(0, np.bool_)
        unit = np.bincount(units.unit[rasl], minlength=count) > 0
        gone = units.shown & ~kept
        anew = entry & np.concatenate(([self._broken], gone[:-1]))
        self._broken = bool(gone[-1])
        return self._pictures.undecodable(unit, entry, anew)
