"""Coordination of video orientation (CVO, 3GPP TS 26.114 section 7.4.5; RFC 7742 section 4).

The header extension is one byte:

     0 1 2 3 4 5 6 7
    +-+-+-+-+-+-+-+-+
    |0 0 0 0|C|F|R R|  C: back camera; F: mirrored; R: turns of 90 degrees
    +-+-+-+-+-+-+-+-+

It comes with the last packet of a keyframe, or after a change; a packet without one says nothing,
so what was said last goes on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

URI = "urn:3gpp:video-orientation"

ABSENT = -1


def read_rotations(
    buffer: NDArray[np.uint8], offset: NDArray[np.int64], length: NDArray[np.int64]
) -> NDArray[np.int16]:
    """By how many degrees clockwise the picture is to be turned; ABSENT where none is said.

    Args:
        buffer: what the packets lie in.
        offset: of each packet's element (`isotrack.rtp.extensions`); -1 where it has none.
        length: bytes of the element; one of another size than a byte says nothing.
    """
    degrees = np.full(offset.size, ABSENT, np.int16)
    rows = ((offset >= 0) & (length == 1)).nonzero()[0]
    degrees[rows] = (buffer[offset[rows]] & 3).astype(np.int16) * 90
    return degrees
