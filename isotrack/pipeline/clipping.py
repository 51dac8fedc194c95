"""What of a source is in a file, in milliseconds of the file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from isotrack.media.stretches import Stretches

Bounds = tuple[int, int]
"""Begin and end of a stretch."""


class Clipped(NamedTuple):
    """Stretches that are in a file."""

    ms: list[Bounds]
    total_ms: int
    """Of all of them, exact however long the list."""
    joined: int
    """How many are not listed by themselves, but joined with a neighbor."""


class Clip(NamedTuple):
    """A file, as a stretch of its source."""

    start_us: int
    end_us: int

    def ms(self, host_us: int) -> int:
        """Milliseconds from the start of the file, negative before it."""
        return (host_us - self.start_us + 500) // 1000

    def listed(self, bounds_us: Iterable[Bounds]) -> list[Bounds]:
        """The stretches as far as they are in the file."""
        return [(self.ms(start), self.ms(end)) for start, end in self._inside(bounds_us)]

    def total_ms(self, bounds_us: Iterable[Bounds], total_us: int) -> int:
        """How long they are in all, less what of them is outside the file.

        Args:
            bounds_us: the stretches, maybe joined; nothing is joined over an end of the file.
            total_us: how long they really are.
        """
        listed = list(bounds_us)
        outside_us = _length(listed) - _length(self._inside(listed))
        return (max(total_us - outside_us, 0) + 500) // 1000

    def clipped(self, stretches: Stretches) -> Clipped:
        """What of them is in the file."""
        bounds: list[Bounds] = [(start, end) for start, end in stretches.listed().tolist()]
        joined = stretches.count - len(bounds)
        return Clipped(self.listed(bounds), self.total_ms(bounds, stretches.total_us), joined)

    def _inside(self, bounds_us: Iterable[Bounds]) -> list[Bounds]:
        cut = [(max(start, self.start_us), min(end, self.end_us)) for start, end in bounds_us]
        return [(start, end) for start, end in cut if start < end]


def _length(bounds: Iterable[Bounds]) -> int:
    return sum(end - start for start, end in bounds)
