"""Which H.264 packets carry picture data, and which only what pictures need (RFC 6184)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs import nal_payloads
from isotrack.codecs.h264 import FORMAT
from isotrack.codecs.media import PacketColumns


def carries_picture(packets: PacketColumns) -> NDArray[np.bool_]:
    """Mark the packets that hold a slice or a part of one (NAL unit types 1 to 5).

    Packets of the interleaved mode, which are not looked into, count as well. Others hold parameter
    sets, delimiters or SEI, and are no access unit by themselves.
    """
    return nal_payloads.carries_picture(packets, FORMAT)
