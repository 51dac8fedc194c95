"""How a lane's camera is held over time, and what a player makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs.keyframes import PictureSize

MAX_CHANGES = 4096
"""Changes that are told of a lane: a hostile publisher can send one with every picture."""

_QUARTER = 90


class Orientation(NamedTuple):
    """How the camera is held from a time on."""

    time_us: int
    degrees: int
    """Clockwise, by which the picture as published is to be turned to stand upright."""
    turned: bool
    """Its pictures were coded anew; otherwise they are in the file as published."""


class OrientationLog:
    """Notes how the pictures of a lane are, as they go into a file.

    Args:
        fixed: the first picture says what the header of the file is to say; otherwise that is what
            held for most pictures.
    """

    def __init__(self, *, fixed: bool) -> None:
        self._fixed = fixed
        self._pictures = np.zeros(4, np.int64)  # by quarter turns
        self.changes: list[Orientation] = []
        """The first ones, no more than MAX_CHANGES."""

    @property
    def header_degrees(self) -> int:
        """Clockwise, by which players turn all pictures of the lane as the header tells them."""
        if self._fixed:
            return self.changes[0].degrees if self.changes else 0
        return int(self._pictures.argmax()) * _QUARTER

    @property
    def roll_degrees(self) -> int:
        """The same, as Matroska has it: counterclockwise, -180 to 180."""
        return {0: 0, 90: -90, 180: 180, 270: 90}[self.header_degrees]

    def shown_degrees(self, orientation: Orientation) -> int:
        """By how much pictures are seen turned from how they were published."""
        return orientation.degrees if orientation.turned else self.header_degrees

    def add(self, time_us: NDArray[np.int64], rotation: NDArray[np.int16], *, turned: bool) -> None:
        """Note further pictures, at least one."""
        self._pictures += np.bincount(rotation // _QUARTER, minlength=4)
        last = self.changes[-1] if self.changes else None
        differs = np.empty(len(rotation), np.bool_)
        differs[0] = last is None or (last.degrees, last.turned) != (int(rotation[0]), turned)
        np.not_equal(rotation[1:], rotation[:-1], out=differs[1:])
        for row in np.flatnonzero(differs)[: MAX_CHANGES - len(self.changes)].tolist():
            self.changes.append(Orientation(int(time_us[row]), int(rotation[row]), turned))


def shown_sizes(
    sizes: Iterable[tuple[int, PictureSize]], log: OrientationLog
) -> Iterator[tuple[int, int, int]]:
    """When a player shows which width and height, given the sizes as they were published.

    Args:
        sizes: each with its time on the host's clock.
        log: how the pictures are turned.
    """
    events: list[tuple[int, PictureSize | Orientation]] = [*sizes]
    events += [(change.time_us, change) for change in log.changes]
    size, degrees = None, log.header_degrees
    for time_us, together in groupby(sorted(events, key=itemgetter(0)), itemgetter(0)):
        for _, event in together:
            if isinstance(event, Orientation):
                degrees = log.shown_degrees(event)
            else:
                size = event
        if size is not None and degrees % 180:
            yield time_us, size.height, size.width
        elif size is not None:
            yield time_us, size.width, size.height
