"""Moments in bounded memory: how many, how far apart, and as many of them as can be listed."""

from __future__ import annotations

from array import array
from operator import sub

import numpy as np
from numpy.typing import NDArray

from isotrack.media.stretches import LISTED


class Moments:
    """Collects moments in the order of their time.

    Args:
        limit: how many are kept: beyond it every other one goes, again and again, so that those
            that are left are spread over the whole.
    """

    def __init__(self, limit: int = LISTED) -> None:
        self._limit = limit
        self._kept = array("q")
        self._last_us: int | None = None
        self.count = 0
        self.longest_us = 0
        """The longest time between two that follow each other."""
        self.every = 1
        """Kept are the first one and each one that is so many behind."""

    def add(self, time_us: NDArray[np.int64]) -> None:
        """Note further ones."""
        if not len(time_us):
            return
        times = time_us.tolist()
        before = [times[0] if self._last_us is None else self._last_us, *times]
        self.longest_us = max(self.longest_us, *map(sub, times, before))
        self._last_us = times[-1]
        self._kept.extend(times[-self.count % self.every :: self.every])
        self.count += len(time_us)
        while len(self._kept) > self._limit:
            self._kept = self._kept[::2]
            self.every *= 2

    def kept_us(self) -> list[int]:
        """Those that were kept."""
        return self._kept.tolist()
