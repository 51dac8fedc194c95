"""The frames of one lane, waiting until no other lane can bring an earlier one."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.media.placed import Placed
from isotrack.media.silence import LONGEST_HOLE_US, SILENCE_US, Hole, SilenceFiller, silence
from isotrack.pipeline.blackening import BlackFiller
from isotrack.pipeline.sections import Section, StreamId

NEVER = np.iinfo(np.int64).max


class Due(NamedTuple):
    """Frames and when they go into a file."""

    due_us: NDArray[np.int64]
    """Never falls: pictures that play out of decode order go with the latest before them."""
    placed: Placed

    def part(self, start: int, end: int) -> Due:
        """The frames from `start` up to `end`."""
        return Due(self.due_us[start:end], self.placed.part(start, end))


class Seen(NamedTuple):
    """A stream is seen or heard, for some time."""

    stream: StreamId
    start_us: int
    last_us: int
    """When its last frame plays."""


class LaneQueue:
    """Strings the sections of a lane together, and what fills its holes.

    Args:
        sections: those of the lane, in the order they play.
        start_us: when the source begins.
        silence: finds holes of sound; None where they stay.
        padded_us: up to when silence goes on behind the last frame; None where none does.
        black: puts black into gaps of the picture; None where they stay.
    """

    def __init__(
        self,
        sections: Sequence[Section],
        start_us: int,
        *,
        silence: SilenceFiller | None = None,
        padded_us: int | None = None,
        black: BlackFiller | None = None,
    ) -> None:
        self._section_of = {stream: each for each in sections for stream in each.streams}
        self.streams = tuple(self._section_of)
        self._left = deque(sections)
        self._filler = silence
        self._padded_us = padded_us
        self._black = black
        self._ready: deque[Due | Hole] = deque()
        self.seen: list[Seen] = []
        """Which stream was seen or heard when."""
        self.end_us = start_us
        """When the latest frame is due that was added."""
        self._silent_us = start_us

    @property
    def frontier_us(self) -> int:
        """Frames up to here are all there; NEVER once nothing more can come."""
        return max(self.end_us, self._left[0].certain_us) if self._left else NEVER

    @property
    def next_us(self) -> int:
        """When there is something to take, or to fill; NEVER if not."""
        if not self._ready:
            if self._filler is None or not self._is_lengthened():
                return NEVER
            return max(self._silent_us, self._filler.end_us)
        first = self._ready[0]
        return first.start_us if isinstance(first, Hole) else int(first.due_us[0])

    @property
    def next_track(self) -> int:
        """The track that is to be read for the lane to go on."""
        return self._left[0].streams[0].track

    def add(self, stream: StreamId, placed: Placed) -> None:
        """Append frames of a stream; they wait for the sections before it to end."""
        self._section_of[stream].add(stream, placed)

    def end_of(self, stream: StreamId) -> None:
        """Expect nothing more of a stream."""
        self._section_of[stream].end_of(stream)

    def close(self, end_us: int) -> None:
        """Note where the source ended, once everything was taken up to there."""
        if self._filler and self._padded_us is not None:
            self._filler.pad(end_us)

    def take(self, until_us: int) -> list[Due]:
        """The frames due up to a time; behind the last one silence goes on."""
        taken: list[Due] = []
        while self._ready or self._lengthen(until_us):
            first = self._ready.popleft()
            if isinstance(first, Hole):
                self._ready.extendleft(reversed(self._begin(first)))
                continue
            if first.due_us[-1] <= until_us:
                taken.append(first)
                continue
            count = int(first.due_us.searchsorted(until_us, side="right"))
            if count:
                taken.append(first.part(0, count))
                first = first.part(count, len(first.due_us))
            self._ready.appendleft(first)
            break
        return taken

    def advance(self) -> None:
        """Make ready what is there of the first section that has not ended, and of those after.

        Once all was added that came at one time, of whichever stream.
        """
        while self._left:
            section = self._left[0]
            for stream, placed in section.take():
                self._note(stream, placed)
                for piece in self._filled(stream, placed):
                    self._make_ready(piece)
            if not section.over:
                return
            self._left.popleft()
            if self._black and not self._left:
                for piece in self._black.close():
                    self._make_ready(piece)

    def _note(self, stream: StreamId, placed: Placed) -> None:
        first_us, last_us = int(placed.time_us[0]), int(placed.time_us.max())
        if self.seen and self.seen[-1].stream == stream:
            first_us = self.seen.pop().start_us
        self.seen.append(Seen(stream, first_us, last_us))

    def _filled(self, stream: StreamId, placed: Placed) -> Sequence[Placed | Hole]:
        if self._filler:
            return self._filler.fill(placed)
        return self._black.fill(stream, placed) if self._black else [placed]

    def _make_ready(self, piece: Placed | Hole) -> None:
        if isinstance(piece, Hole):
            self._ready.append(piece)
            return
        due = np.maximum(np.maximum.accumulate(piece.time_us), self.end_us)
        self.end_us = int(due[-1])
        self._ready.append(Due(due, piece))

    def _is_lengthened(self) -> bool:
        """Whether silence goes on behind the last frame: not where that would be for days."""
        if self._filler is None or self._padded_us is None or self._left:
            return False
        return self._padded_us - self._filler.end_us <= LONGEST_HOLE_US

    def _lengthen(self, until_us: int) -> bool:
        """Make ready a stretch of silence behind everything else, if it is due.

        Other lanes may go on for hours: silence has to come along with them, not at the end.
        """
        if self._filler is None or not self._is_lengthened():
            return False
        start_us = max(self._silent_us, self._filler.end_us)
        if start_us > until_us:
            return False
        self._silent_us = start_us + SILENCE_US
        self._ready.append(Hole(start_us, self._silent_us, False))
        return True

    def _begin(self, hole: Hole) -> list[Due | Hole]:
        """The silence that begins a hole, and the rest of the hole: it may be hours long."""
        assert self._filler  # who else finds holes
        first, rest = hole.split()
        frames = silence(first, self._filler.codec)
        begun: list[Due | Hole] = [Due(frames.time_us, frames)] if frames.count else []
        return [*begun, rest] if rest.start_us < rest.end_us else begun
