"""Stretches of time in bounded memory: however many there are, a list that people can read."""

from __future__ import annotations

from array import array

import numpy as np
from numpy.typing import NDArray

LISTED = 1000
"""A list of more tells people nothing more."""


class Stretches:
    """Collects stretches of time; their number and their length are exact whatever is listed.

    Where there are too many, those nearest to each other become one, so that the list is coarser
    but covers them all.

    Args:
        limit: how many are listed; twice as many are held.
    """

    def __init__(self, limit: int = LISTED) -> None:
        self._limit = limit
        self._bounds = array("q")
        self.count = 0
        self.total_us = 0

    def add(self, start_us: int, end_us: int) -> None:
        """Note one more; it begins behind all others, or near enough."""
        self._bounds.extend((start_us, end_us))
        self.count += 1
        self.total_us += end_us - start_us
        if len(self._bounds) >= 4 * self._limit:
            self._bounds = array("q", self.listed().tobytes())

    def listed(self) -> NDArray[np.int64]:
        """[n, 2] begin and end of each, by their begin; those between which is least made one."""
        table = np.array(self._bounds, np.int64).reshape(-1, 2)
        table = table[np.argsort(table[:, 0], kind="stable")]
        if len(table) <= self._limit:
            return table
        ends = np.maximum.accumulate(table[:, 1])
        gaps = table[1:, 0] - ends[:-1]
        widest = np.argsort(-gaps, kind="stable")[: self._limit - 1]
        cuts = np.sort(widest) + 1
        starts, lasts = np.append(0, cuts), np.append(cuts, len(table)) - 1
        return np.stack((table[starts, 0], ends[lasts]), axis=1)
