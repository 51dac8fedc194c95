"""A stretch of a source: the frames of its lanes, and the order in which they go into a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.media import placed
from isotrack.media.scattered import Scattered, strung
from isotrack.pipeline.queueing import Due

Window = Mapping[int, Due]
"""Frames due in one stretch of time, by the number of their lane, in the order of the numbers."""


class Merged(NamedTuple):
    """Frames of one or more lanes in the order they go into a file."""

    lane: NDArray[np.int64]
    """[n]"""
    time_us: NDArray[np.int64]
    keyframe: NDArray[np.bool_]
    size: NDArray[np.int64]
    """[n] bytes of the frame."""
    first: NDArray[np.int64]
    """[n] index of its first slice."""
    end: NDArray[np.int64]
    """[n] index behind its last one."""
    slices: Scattered
    """Those of all frames, and maybe of others."""

    @property
    def count(self) -> int:  # type: ignore[override]  # not tuple.count: these are columns
        """Number of frames."""
        return len(self.lane)

    def until(self, end: int) -> Merged:
        """The frames before `end`, over the same slices."""
        return self._rows(slice(end))

    def since(self, start: int) -> Merged:
        """The frames from `start` on, over no slices but theirs.

        So the memory of chunks goes whose frames are all before.
        """
        rest = self._rows(slice(start, None))
        count = rest.end - rest.first
        end = count.cumsum()
        slices = self.slices.take(_ranges(rest.first, end, count)).trimmed()
        return rest._replace(first=end - count, end=end, slices=slices)

    def behind(self, headers: Scattered) -> Scattered:
        """The bytes of the frames, each behind the header of its block.

        Args:
            headers: [n] a piece for each frame.
        """
        count = self.end - self.first + 1
        end = count.cumsum()
        rows = _ranges(self.first - 1, end, count)
        rows[end - count] = self.slices.count + np.arange(self.count)
        return strung((self.slices, headers)).take(rows)

    def _rows(self, rows: slice | NDArray[np.int64]) -> Merged:
        columns: list[Any] = [column[rows] for column in self[:-1]]
        return Merged(*columns, self.slices)  # type: ignore[call-arg]


def window(pieces: Sequence[tuple[int, Due]]) -> Window:
    """What is due of each lane, in one piece; given with the number of its lane, lane by lane."""
    lanes: dict[int, list[Due]] = {}
    for number, due in pieces:
        lanes.setdefault(number, []).append(due)
    return {number: _joined(dues) for number, dues in lanes.items()}


def merged(found: Window, before: Merged | None = None) -> Merged:
    """The frames of all lanes in the order they are due; where that is equal, by their numbers.

    Args:
        found: of at least one lane.
        before: frames that come first, as they are.
    """
    parts = [_lane(number, due.placed) for number, due in found.items()]
    together = _strung(parts if before is None else [before, *parts])
    due_us = np.concatenate([due.due_us for due in found.values()])
    if not np.count_nonzero(due_us[1:] < due_us[:-1]):
        return together
    order = due_us.argsort(kind="stable")
    if before is not None:
        order = np.concatenate((np.arange(before.count), order + before.count))
    return together._rows(order)


def _joined(dues: Sequence[Due]) -> Due:
    """Pieces of one lane as one."""
    due_us = dues[0].due_us if len(dues) == 1 else np.concatenate([due.due_us for due in dues])
    return Due(due_us, placed.joined([due.placed for due in dues]))


def _lane(number: int, frames: placed.Placed) -> Merged:
    return Merged(
        lane=np.full(frames.count, number),
        time_us=frames.time_us,
        keyframe=frames.keyframe,
        size=frames.size,
        first=frames.first,
        end=frames.end,
        slices=frames.slices,
    )


def _strung(parts: Sequence[Merged]) -> Merged:
    if len(parts) == 1:
        return parts[0]
    columns: list[Any] = [
        np.concatenate(column) for column in zip(*(part[:-1] for part in parts), strict=True)
    ]
    together = Merged(*columns, strung([part.slices for part in parts]))  # type: ignore[call-arg]
    begin = count = 0
    for part in parts:
        rows = slice(begin, begin + part.count)
        together.first[rows] += count
        together.end[rows] += count
        begin, count = rows.stop, count + part.slices.count
    return together


def _ranges(
    first: NDArray[np.int64], end: NDArray[np.int64], count: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The numbers from each `first` on, `count` of them; the last of each goes before `end`."""
    whole = int(end[-1]) if len(end) else 0
    return (first - end + count).repeat(count) + np.arange(whole)
