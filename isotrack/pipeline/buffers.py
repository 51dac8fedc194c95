"""Memory for chunks, used again and again: a fresh page costs more than the bytes copied to it."""

from __future__ import annotations

import sys
import threading

import numpy as np
from numpy.typing import NDArray

_GRAIN = 1 << 20
_OURS = 3  # references to a buffer that nobody else has: the list, the loop, the question itself


class BufferPool:
    """Hands out buffers, and takes each back once nothing refers to it any more.

    Nobody returns a buffer: arrays and slices that lie in it keep it, as they keep any memory, and
    when the last of them is gone it is free (CPython counts references).
    """

    def __init__(self) -> None:
        self._buffers: list[NDArray[np.uint8]] = []
        self._lock = threading.Lock()

    def take(self, size: int) -> NDArray[np.uint8]:
        """A buffer of so many bytes, with anything in it."""
        with self._lock:
            # The one handed out last is the likeliest to be in the caches of the processor yet.
            for i in reversed(range(len(self._buffers))):
                buffer = self._buffers[i]
                if buffer.size >= size and sys.getrefcount(buffer) <= _OURS:
                    del self._buffers[i]
                    break
            else:
                # What is too small for this chunk is likely to be so for the next.
                self._buffers = [b for b in self._buffers if b.size >= size]
                buffer = np.empty(-(-size // _GRAIN) * _GRAIN, np.uint8)
            self._buffers.append(buffer)
            return buffer[:size]
