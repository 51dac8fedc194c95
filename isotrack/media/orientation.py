"""How a camera is held: what packets say of it (CVO), for each frame."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.media.ordering import Ordered
from isotrack.rtp.extensions import element
from isotrack.rtp.video_orientation import ABSENT, read_rotations

_EVER = np.iinfo(np.int64).min


class Rotations(NamedTuple):
    """From which RTP timestamp on a picture is to be turned by how much: columns."""

    timestamp: NDArray[np.int64]
    """Never falls; the first one is before all others."""
    degrees: NDArray[np.int16]
    """Clockwise."""

    def at(self, timestamp: NDArray[np.int64]) -> NDArray[np.int16]:
        """What holds at these times."""
        return self.degrees[self.timestamp.searchsorted(timestamp, side="right") - 1]


UPRIGHT = Rotations(np.array([_EVER]), np.zeros(1, np.int16))
"""Of what nobody says to be turned."""


class OrientationReader:
    """Follows the orientation of one stream, which goes on until a packet says otherwise.

    Args:
        extension_id: of its header extension (`isotrack.rtp.video_orientation`).
    """

    def __init__(self, extension_id: int) -> None:
        self._extension_id = extension_id
        self._degrees = 0

    def read(self, ordered: Ordered) -> Rotations:
        """What these packets say, behind what was said last.

        It stands in the last packet of a frame (3GPP TS 26.114 section 7.4.5): only those with the
        marker are looked at, an eighth of all. To be read before payloads grow over the extensions.
        """
        last = ordered.packets.marker.nonzero()[0]
        packets = ordered.packets.take(last)
        degrees = read_rotations(packets.buffer, *element(packets, self._extension_id))
        rows = (degrees != ABSENT).nonzero()[0]
        before, said = np.array([self._degrees], np.int16), degrees[rows]
        if not said.size:
            return Rotations(UPRIGHT.timestamp, before)
        self._degrees = int(said[-1])
        # Time never goes back in what can be searched, though it may in what a sender writes.
        timestamp = np.maximum.accumulate(ordered.timestamp[last[rows]])
        return Rotations(np.concatenate(([_EVER], timestamp)), np.concatenate((before, said)))
