"""The silence between frames of sound.

Players and editors that ignore timestamps play audio back to back, so a hole in it moves everything
after it (media.md, section 5: 1.8 s of lip-sync error). Holes of sound are therefore filled with
valid silent frames of the codec; nothing else is ever invented.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from isotrack.codecs.audio import AudioCodec
from isotrack.media.observations import ticks_to_us
from isotrack.media.placed import Placed, place_whole
from isotrack.media.stretches import Stretches

MIN_HOLE_US = 10_000
"""Shorter holes are the jitter of clocks, not something that is missing."""

SILENCE_US = 10_000_000
"""A stretch of silence made at once: a whole number of frames."""

MUTE_US = 1_000_000
"""A track that sends nothing for longer is muted; DTX sends comfort noise more often than that."""

LONGEST_HOLE_US = 24 * 3600 * 1_000_000
"""No recording is muted for longer: a clock leapt, and a fill would only make a huge file."""

_JOIN_US = 60_000  # holes this close make one entry: comfort noise comes in single packets


class Hole(NamedTuple):
    """A stretch of a lane with nothing published in it."""

    start_us: int
    end_us: int
    lost: bool
    """Packets went missing there; otherwise nobody sent any (silence, mute)."""

    def split(self) -> tuple[Hole, Hole]:
        """Cut in two behind ten seconds, a whole number of frames; the second may be empty."""
        cut_us = min(self.start_us + SILENCE_US, self.end_us)
        return self._replace(end_us=cut_us), self._replace(start_us=cut_us)


class SilenceFiller:
    """Finds the holes of one audio lane.

    Args:
        start_us: where the lane begins; a lane that comes in later is led in with silence.
        codec: of the lane.
    """

    def __init__(self, start_us: int, codec: AudioCodec) -> None:
        self.end_us = start_us
        """When the frames that were filled so far end."""
        self.codec = codec
        """Whose silent frames go into the holes."""
        self.filled_us = {False: 0, True: 0}
        """How much is to be filled in all: where nothing was sent, and where it was lost."""
        self.mutes = Stretches()
        """The holes of more than `MUTE_US` in which nothing was sent."""
        self.unfilled = Stretches()
        """Those too long to be filled."""
        self._over = {False: Stretches(), True: Stretches()}
        self._last: Hole | None = None

    def fill(self, placed: Placed) -> list[Placed | Hole]:
        """The frames, with a hole wherever the lane would otherwise have none."""
        if not placed.count:
            return []
        ends = np.maximum.accumulate(placed.time_us + placed.duration_us)
        before = np.maximum(np.concatenate(([self.end_us], ends[:-1])), self.end_us)
        self.end_us = max(int(ends[-1]), self.end_us)
        pieces: list[Placed | Hole] = []
        done = 0
        for i in np.flatnonzero(placed.time_us - before >= MIN_HOLE_US).tolist():
            hole = Hole(int(before[i]), int(placed.time_us[i]), bool(placed.after_loss[i]))
            if i > done:
                pieces.append(placed.part(done, i))
            if self._note(hole):
                pieces.append(hole)
            done = i
        pieces.append(placed.part(done, placed.count) if done else placed)
        return pieces

    def pad(self, end_us: int) -> list[Hole]:
        """The hole between the last frame and the end of the source, if there is one."""
        if end_us - self.end_us < MIN_HOLE_US:
            return []
        hole = Hole(self.end_us, end_us, False)
        self.end_us = end_us
        return [hole] if self._note(hole) else []

    @property
    def holes(self) -> list[Hole]:
        """What is to be filled, close holes taken together, and closer ones of too many."""
        over = [
            Hole(start_us, end_us, lost)
            for lost, stretches in self._over.items()
            for start_us, end_us in stretches.listed().tolist()
        ]
        return sorted(over) if self._last is None else [*sorted(over), self._last]

    @property
    def hole_count(self) -> int:
        """How many there are but for those that close ones were taken together with."""
        return sum(each.count for each in self._over.values()) + (self._last is not None)

    def _note(self, hole: Hole) -> bool:
        """Note a hole; False if it is too long to be filled."""
        if hole.end_us - hole.start_us > LONGEST_HOLE_US:
            self.unfilled.add(hole.start_us, hole.end_us)
            return False
        self.filled_us[hole.lost] += hole.end_us - hole.start_us
        if not hole.lost and hole.end_us - hole.start_us > MUTE_US:
            self.mutes.add(hole.start_us, hole.end_us)
        last, self._last = self._last, hole
        if last is None:
            return True
        if last.lost == hole.lost and hole.start_us - last.end_us <= _JOIN_US:
            self._last = last._replace(end_us=hole.end_us)
        else:
            self._over[last.lost].add(last.start_us, last.end_us)
        return True


def silence(hole: Hole, codec: AudioCodec) -> Placed:
    """Silent frames, as many as end within a hole: what is left is shorter than any frame."""
    ticks = (hole.end_us - hole.start_us) * codec.clock_rate // 1_000_000
    duration, size, body = codec.silence(ticks)
    count, ends = len(duration), duration.cumsum()
    return place_whole(
        time_us=hole.start_us + ticks_to_us(ends - duration, codec.clock_rate),
        duration_us=ticks_to_us(duration, codec.clock_rate),
        keyframe=np.ones(count, np.bool_),
        after_loss=np.zeros(count, np.bool_),
        rotation=np.zeros(count, np.int16),
        size=size,
        body=body,
    )
