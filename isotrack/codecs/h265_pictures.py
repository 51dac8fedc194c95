"""Which H.265 packets carry picture data, and which pictures cannot be decoded after an entry.

A CRA picture may be followed by pictures that are shown before it, its leading pictures. Some of
them (RASL, random access skipped leading) need pictures of before it: they decode where the stream
runs through, and are left out where decoding begins with the CRA picture. Nothing but other RASL
pictures refers to them, so what follows stays whole (H.265 section 8.1.3).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs import nal_payloads
from isotrack.codecs.h265 import payload_format
from isotrack.codecs.media import PacketColumns
from isotrack.codecs.nal_format import kinds

_RASL = kinds((8, 9))


def carries_picture(packets: PacketColumns, *, with_donl: bool = False) -> NDArray[np.bool_]:
    """Mark the packets that hold a slice segment or a part of one (VCL NAL units, types 0 to 31).

    PACI packets, which are not looked into, count as well. Others hold parameter sets, delimiters
    or SEI, and are no access unit by themselves.
    """
    return nal_payloads.carries_picture(packets, payload_format(with_donl=with_donl))


def carries_rasl(packets: PacketColumns, *, with_donl: bool = False) -> NDArray[np.bool_]:
    """Mark the packets of RASL pictures."""
    form = payload_format(with_donl=with_donl)._replace(pictures=_RASL)
    return nal_payloads.carries_picture(packets, form)


class LeadingPictures:
    """Tells which RASL pictures of a stream cannot be decoded; keeps state between calls."""

    def __init__(self) -> None:
        self._anew = True

    def undecodable(
        self, rasl: NDArray[np.bool_], entry: NDArray[np.bool_], anew: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Mark the frames to leave out; all arguments have a row per frame, in decoding order.

        Args:
            rasl: RASL pictures.
            entry: IRAP pictures at which decoding may begin.
            anew: those of them at which it does: the first of the stream, and those after a frame
                that was lost or left out.
        """
        last_entry = np.maximum.accumulate(np.where(entry, np.arange(1, len(entry) + 1), 0))
        began: NDArray[np.bool_] = np.concatenate(([self._anew], anew))[last_entry]
        if len(began):
            self._anew = bool(began[-1])
        return rasl & began
