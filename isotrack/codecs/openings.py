"""The first bytes of payloads, copied side by side: descriptors are read from there.

Payloads lie a packet apart, so that each byte read from its own place waits for memory anew.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WIDTH = 8
"""Bytes of each payload: those of an integer of numpy."""


class Openings:
    """The first `WIDTH` bytes of payloads; nothing is read from the buffer later.

    Args:
        buffer: the bytes the payloads lie in.
        begin: where each begins, within the buffer.
    """

    def __init__(self, buffer: NDArray[np.uint8], begin: NDArray[np.int64]) -> None:
        if buffer.size < WIDTH:
            buffer = np.concatenate((buffer, np.zeros(WIDTH, np.uint8)))
        last = buffer.size - WIDTH
        # Items of that many bytes, one beginning at every byte of the buffer, are taken by index.
        runs = np.ndarray((last + 1,), f"V{WIDTH}", buffer, strides=(1,))
        at = np.minimum(begin, last)
        self._items = runs[at]
        self._bytes = self._items.view(np.uint8)
        self._first = np.arange(0, begin.size * WIDTH, WIDTH)
        self._first += begin
        self._first -= at
        self._cut = int(begin.max(initial=0)) > last

    @property
    def words(self) -> NDArray[np.uint64] | None:
        """The bytes of each payload as an integer, the first one lowest.

        None where the buffer ends less than `WIDTH` bytes behind the beginning of one.
        """
        return None if self._cut else self._items.view("<u8")

    @property
    def rows(self) -> NDArray[np.uint8] | None:
        """The same as bytes: [n, WIDTH]."""
        return None if self._cut else self._bytes.reshape(-1, WIDTH)

    def byte(self, position: NDArray[np.int64] | int) -> NDArray[np.uint8]:
        """The byte at a position of each payload; any byte, if the buffer ends before it.

        Positions are less than the width.
        """
        at = self._first + position
        found: NDArray[np.uint8] = self._bytes[np.minimum(at, self._bytes.size - 1)]
        return found
