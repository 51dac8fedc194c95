"""The frames of one lane, waiting until no other lane can bring an earlier one."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.media.placed import Placed
from isotrack.media.silence import Hole, SilenceFiller, silence

NEVER = np.iinfo(np.int64).max


class StreamId(NamedTuple):
    """A stream of a source."""

    track: int
    """Index of the captured track."""
    ordinal: int
    """Of the stream in it."""


class Due(NamedTuple):
    """Frames and when they go into a file."""

    due_us: NDArray[np.int64]
    """Never falls: pictures that play out of decode order go with the latest before them."""
    placed: Placed

    def part(self, start: int, end: int) -> Due:
        """The frames from `start` up to `end`."""
        return Due(self.due_us[start:end], self.placed.part(start, end))


class LaneQueue:
    """Strings the streams of a lane together, and its silence.

    Args:
        streams: how many frames each stream of the lane has, in the order they play.
        filler: finds its holes; None where they stay.
        start_us: when the source begins.
    """

    def __init__(
        self, streams: Mapping[StreamId, int], filler: SilenceFiller | None, start_us: int
    ) -> None:
        self.streams = tuple(streams)
        self._left = dict(streams)
        self._early: dict[StreamId, list[Placed]] = {stream: [] for stream in streams}
        self._filler = filler
        self._ready: deque[Due | Hole] = deque()
        self.end_us = start_us
        """When the latest frame is due that was added."""

    @property
    def frontier_us(self) -> int:
        """Frames up to here are all there; NEVER once nothing more can come."""
        return self.end_us if self._left else NEVER

    @property
    def next_track(self) -> int:
        """The track that is to be read for the lane to go on."""
        return next(iter(self._left)).track

    def add(self, stream: StreamId, placed: Placed) -> None:
        """Append frames of a stream; they wait for the streams before it to end."""
        if stream in self._left:
            self._early[stream].append(placed)
            self._advance()

    def end_of(self, track: int) -> None:
        """Expect nothing more of a track."""
        for stream in [stream for stream in self._left if stream.track == track]:
            self._left[stream] = sum(placed.count for placed in self._early[stream])
        self._advance()

    def take(self, until_us: int) -> list[Due]:
        """The frames due up to a time."""
        taken: list[Due] = []
        while self._ready:
            first = self._ready.popleft()
            if isinstance(first, Hole):
                self._ready.extendleft(reversed(_begin(first)))
                continue
            count = int(np.searchsorted(first.due_us, until_us, side="right"))
            if count:
                taken.append(first.part(0, count))
            if count < len(first.due_us):
                self._ready.appendleft(first.part(count, len(first.due_us)))
                break
        return taken

    def _advance(self) -> None:
        """Make ready what is there of the first stream that has not ended, and of those after."""
        while self._left:
            stream = next(iter(self._left))
            for placed in self._early[stream]:
                self._left[stream] -= placed.count
                self._make_ready(placed)
            self._early[stream] = []
            if self._left[stream] > 0:
                return
            del self._left[stream]

    def _make_ready(self, placed: Placed) -> None:
        for piece in self._filler.fill(placed) if self._filler else [placed]:
            if isinstance(piece, Hole):
                self._ready.append(piece)
                continue
            due = np.maximum(np.maximum.accumulate(piece.time_us), self.end_us)
            self.end_us = int(due[-1])
            self._ready.append(Due(due, piece))


def _begin(hole: Hole) -> list[Due | Hole]:
    """The silence that begins a hole, and the rest of the hole: it may be hours long."""
    first, rest = hole.split()
    frames = silence(first)
    begun: list[Due | Hole] = [Due(frames.time_us, frames)]
    return [*begun, rest] if rest.start_us < rest.end_us else begun
