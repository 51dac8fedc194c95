"""The first bytes of many payloads, copied side by side: descriptors are read from there.

Payloads lie a packet apart, so that each byte read from its own place waits for memory anew.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Openings:
    """The first bytes of payloads.

    Args:
        buffer: the bytes the payloads lie in.
        begin: where each begins, within the buffer.
        width: how many bytes of each are wanted.
    """

    def __init__(self, buffer: NDArray[np.uint8], begin: NDArray[np.int64], width: int) -> None:
        if buffer.size < width:
            buffer = np.concatenate((buffer, np.zeros(width, np.uint8)))
        last = buffer.size - width
        # Items of that many bytes, one beginning at every byte of the buffer, are taken by index.
        runs = np.ndarray((last + 1,), f"V{width}", buffer, strides=(1,))
        at = np.minimum(begin, last)
        self._bytes = runs[at].view(np.uint8)
        self._first = np.arange(begin.size) * width + (begin - at)

    def byte(self, position: NDArray[np.int64] | int) -> NDArray[np.uint8]:
        """The byte at a position of each payload; any byte, if the buffer ends before it.

        Positions are less than the width.
        """
        at = self._first + position
        found: NDArray[np.uint8] = self._bytes[np.minimum(at, self._bytes.size - 1)]
        return found
