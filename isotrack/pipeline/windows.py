"""A stretch of a source: the frames of all its lanes in the order they go into a file."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.matroska.blocks import HEADER_SIZE
from isotrack.media.placed import ROOM
from isotrack.pipeline.queueing import Due

assert ROOM == HEADER_SIZE  # frames and the headers of their blocks are written as one

_ROWS = ("lane", "time_us", "duration_us", "keyframe", "after_loss", "size", "body", "offset")


class Window(NamedTuple):
    """Frames of several lanes in the order they go into a file."""

    lane: NDArray[np.int64]
    """[n]"""
    time_us: NDArray[np.int64]
    duration_us: NDArray[np.int64]
    keyframe: NDArray[np.bool_]
    after_loss: NDArray[np.bool_]
    size: NDArray[np.int64]
    """[n] bytes of the frame."""
    body: NDArray[np.int64]
    """[n] index into `bodies`."""
    offset: NDArray[np.int64]
    """[n] where the frame begins there; the header of its block goes right before it."""
    bodies: list[NDArray[np.uint8]]

    @property
    def count(self) -> int:  # type: ignore[override]  # not tuple.count: these are columns
        """Number of frames."""
        return len(self.lane)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64] | slice) -> Window:
        """The frames of a mask, of indexes or of a slice."""
        taken = {name: getattr(self, name)[rows] for name in _ROWS}
        # The others go, and with them the memory of chunks that are done.
        is_used = np.bincount(taken["body"], minlength=len(self.bodies)) > 0
        taken["body"] = (np.cumsum(is_used) - 1)[taken["body"]]
        return Window(**taken, bodies=list(compress(self.bodies, is_used.tolist())))

    def write_headers(self, headers: NDArray[np.uint8]) -> None:
        """Put the headers of blocks before the first frames.

        Args:
            headers: [up to n, HEADER_SIZE] as `matroska.blocks` makes them.
        """
        rows = headers.view(f"V{HEADER_SIZE}")[:, 0]
        which, head = self.body[: len(rows)], self.offset[: len(rows)] - HEADER_SIZE
        for index, body in enumerate(self.bodies):
            # An item of that size begins at every byte.
            size = (body.size - HEADER_SIZE + 1,)
            places = np.ndarray(size, rows.dtype, body, strides=(1,))
            mine = which == index
            places[head[mine]] = rows[mine]

    def runs(self, ends: Sequence[int]) -> list[list[memoryview]]:
        """The blocks up to each of these frames, in as few pieces as they lie in."""
        count = ends[-1]
        head, stop = self.offset[:count] - HEADER_SIZE, (self.offset + self.size)[:count]
        cuts = np.array([0, *ends], np.int64)
        begins = np.zeros(count, np.bool_)
        begins[cuts[:-1]] = True
        begins[1:] |= (self.body[1:count] != self.body[: count - 1]) | (head[1:] != stop[:-1])
        starts = np.flatnonzero(begins)
        last = np.append(starts[1:], count) - 1
        views = [body.data for body in self.bodies]
        pieces = [
            views[i][a:z]
            for i, a, z in zip(
                self.body[starts].tolist(), head[starts].tolist(), stop[last].tolist(), strict=True
            )
        ]
        places = np.searchsorted(starts, cuts).tolist()
        return [pieces[a:z] for a, z in pairwise(places)]


def merged(pieces: Sequence[tuple[int, Due]]) -> Window:
    """The frames of all pieces in the order they are due; each with the number of its lane."""
    placed = [piece.placed for _, piece in pieces]
    counts = [each.count for each in placed]
    window = Window(
        lane=np.repeat([number for number, _ in pieces], counts),
        time_us=np.concatenate([each.time_us for each in placed]),
        duration_us=np.concatenate([each.duration_us for each in placed]),
        keyframe=np.concatenate([each.keyframe for each in placed]),
        after_loss=np.concatenate([each.after_loss for each in placed]),
        size=np.concatenate([each.size for each in placed]),
        body=np.repeat(np.arange(len(placed)), counts),
        offset=np.concatenate([each.offset for each in placed]),
        bodies=[each.body for each in placed],
    )
    due = np.concatenate([piece.due_us for _, piece in pieces])
    if (due[1:] >= due[:-1]).all():
        return window
    order = np.argsort(due, kind="stable")
    rows = {name: getattr(window, name)[order] for name in _ROWS}
    return Window(**rows, bodies=window.bodies)


def joined(first: Window, second: Window) -> Window:
    """The frames of one window, then those of the other."""
    rows = {name: np.concatenate((getattr(first, name), getattr(second, name))) for name in _ROWS}
    rows["body"][first.count :] += len(first.bodies)
    return Window(**rows, bodies=first.bodies + second.bodies)
