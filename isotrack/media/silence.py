"""The silence between frames of sound.

Players and editors that ignore timestamps play audio back to back, so a hole in it moves everything
after it (media.md, section 5: 1.8 s of lip-sync error). Holes of sound are therefore filled with
valid silent frames of the codec; nothing else is ever invented.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from isotrack.codecs import opus
from isotrack.media.observations import ticks_to_us
from isotrack.media.placed import Placed

MIN_HOLE_US = 10_000
"""Shorter holes are the jitter of clocks, not something that is missing."""

_JOIN_US = 60_000  # holes this close make one entry: comfort noise comes in single packets
_PIECES = (960, 480, 240, 120)  # samples of 20, 10, 5 and 2.5 ms
_LONGEST_US = 10_000_000


class Hole(NamedTuple):
    """A stretch of a lane with nothing published in it."""

    start_us: int
    end_us: int
    lost: bool
    """Packets went missing there; otherwise nobody sent any (silence, mute)."""

    def split(self) -> tuple[Hole, Hole]:
        """Cut in two behind ten seconds, a whole number of frames; the second may be empty."""
        cut_us = min(self.start_us + _LONGEST_US, self.end_us)
        return self._replace(end_us=cut_us), self._replace(start_us=cut_us)


class SilenceFiller:
    """Finds the holes of one audio lane.

    Args:
        start_us: where the lane begins; a lane that comes in later is led in with silence.
    """

    def __init__(self, start_us: int) -> None:
        self._end_us = start_us
        self.holes: list[Hole] = []
        """What is to be filled, close holes taken together."""

    def fill(self, placed: Placed) -> list[Placed | Hole]:
        """The frames, with a hole wherever the lane would otherwise have none."""
        if not placed.count:
            return []
        ends = np.maximum.accumulate(placed.time_us + placed.duration_us)
        before = np.maximum(np.concatenate(([self._end_us], ends[:-1])), self._end_us)
        self._end_us = max(int(ends[-1]), self._end_us)
        pieces: list[Placed | Hole] = []
        done = 0
        for i in np.flatnonzero(placed.time_us - before >= MIN_HOLE_US).tolist():
            hole = Hole(int(before[i]), int(placed.time_us[i]), bool(placed.after_loss[i]))
            self._note(hole)
            if i > done:
                pieces.append(placed.part(done, i))
            pieces.append(hole)
            done = i
        pieces.append(placed.part(done, placed.count) if done else placed)
        return pieces

    def _note(self, hole: Hole) -> None:
        last = self.holes[-1] if self.holes else None
        if last and last.lost == hole.lost and hole.start_us - last.end_us <= _JOIN_US:
            hole = self.holes.pop()._replace(end_us=hole.end_us)
        self.holes.append(hole)


def silence(hole: Hole) -> Placed:
    """Silent frames, as many as end within a hole: what is left is shorter than 2.5 ms."""
    samples = (hole.end_us - hole.start_us) * opus.CLOCK_RATE // 1_000_000
    counts = []
    for piece in _PIECES:
        count, samples = divmod(samples, piece)
        counts.append(count)
    duration = np.repeat(_PIECES, counts)
    ends = np.cumsum(duration)
    size = np.repeat([len(opus.silence(piece)) for piece in _PIECES], counts)
    return Placed(
        time_us=hole.start_us + ticks_to_us(ends - duration, opus.CLOCK_RATE),
        duration_us=ticks_to_us(duration, opus.CLOCK_RATE),
        keyframe=np.ones(len(duration), np.bool_),
        after_loss=np.zeros(len(duration), np.bool_),
        size=size,
        body=b"".join(opus.silence(p) * n for p, n in zip(_PIECES, counts, strict=True)),
    )
