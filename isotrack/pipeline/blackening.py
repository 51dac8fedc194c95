"""Black where a video track has no picture for long, for who does not want the last one to stand.

Black is a picture like any other, encoded once for each size. What follows it can be decoded only
if it needs nothing from before: where the picture after a gap is no keyframe, the last one stands
(a screen that did not change is of that kind, and better not black).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from isotrack.media.placed import Placed, place_whole
from isotrack.media.silence import LONGEST_HOLE_US
from isotrack.media.stretches import Stretches
from isotrack.pipeline.ports import BlackPictures, NoPicture
from isotrack.pipeline.sections import StreamId

GAP_US = 2_000_000
"""A picture may stand for so long: as a publisher takes to answer a request for a keyframe, and
longer than a shared screen that does not change goes without a frame in most browsers."""

_SHORTEST_LEAD_US = 40_000  # a track that begins within a frame of the others begins with them
_HOLD_US = 33_333  # of a frame whose pace is not known
_LONGEST_HOLD_US = 500_000

SizeAt = Callable[[StreamId, int], tuple[int, int]]
"""Width and height of a stream's picture at a time."""


class _Shown(NamedTuple):
    """The last picture before a gap."""

    stream: StreamId
    time_us: int
    hold_us: int
    """How long the one before it was shown."""
    rotation: int


class BlackFiller:
    """Puts black into the gaps of one video lane.

    Args:
        codec: encoding name of the lane.
        pictures: makes the black pictures.
        size_at: tells their size.
        start_us: where the source begins, if the lane is to begin there.
        end_us: where it ends, if the lane is to end there.
    """

    def __init__(
        self,
        codec: str,
        pictures: BlackPictures,
        size_at: SizeAt,
        start_us: int | None,
        end_us: int | None,
    ) -> None:
        self._codec = codec
        self._pictures = pictures
        self._size_at = size_at
        self._start_us = start_us
        self._end_us = end_us
        self._last: _Shown | None = None
        self.filled = Stretches()
        """Where it is black."""
        self.held = Stretches()
        """Where it is not, although nothing came: the last picture stands."""

    def fill(self, stream: StreamId, placed: Placed) -> list[Placed]:
        """The frames of a stream, black before those that come long after the one before them."""
        if not placed.count:
            return []
        latest = np.maximum.accumulate(placed.time_us)
        first_us = int(latest[0]) if self._last is None else self._last.time_us
        before = np.maximum(np.concatenate(([first_us], latest[:-1])), first_us)
        pieces: list[Placed] = []
        done = 0
        for i in np.flatnonzero(placed.time_us - before > GAP_US).tolist():
            shown = self._shown(stream, placed, i) if i else self._last
            black = self._between(shown, placed, i) if shown else []
            if black:
                pieces += [placed.part(done, i), *black]
                placed = _without_loss(placed, i)
                done = i
        lead = [] if self._last else self._lead(stream, placed)
        self._last = self._shown(stream, placed, placed.count)
        pieces = [*lead, *pieces, placed.part(done, placed.count)]
        return [piece for piece in pieces if piece.count]

    def close(self) -> list[Placed]:
        """Black behind the last picture, up to the end of the source."""
        last, end_us = self._last, self._end_us
        if last is None or end_us is None or end_us - last.time_us <= GAP_US:
            return []
        start_us = last.time_us + last.hold_us
        frame = self._frame(last.stream, last.time_us, start_us, end_us)
        if frame is None:
            return []
        # Another one at the very end, for who takes a track to end with its last picture.
        times_us = start_us, end_us - last.hold_us
        return [_placed(frame, time_us, last.rotation) for time_us in times_us]

    def _lead(self, stream: StreamId, placed: Placed) -> list[Placed]:
        first_us = int(placed.time_us[0])
        if self._start_us is None or first_us - self._start_us < _SHORTEST_LEAD_US:
            return []
        rotation = int(placed.rotation[0])
        frame = self._frame(stream, first_us, self._start_us, first_us)
        return [] if frame is None else [_placed(frame, self._start_us, rotation)]

    def _between(self, shown: _Shown, placed: Placed, index: int) -> list[Placed]:
        """Black from when a picture has been shown up to a frame."""
        start_us, end_us = shown.time_us + shown.hold_us, int(placed.time_us[index])
        if not placed.keyframe[index]:
            self.held.add(start_us, end_us)
            return []
        frame = self._frame(shown.stream, shown.time_us, start_us, end_us)
        return [] if frame is None else [_placed(frame, start_us, shown.rotation)]

    def _frame(self, stream: StreamId, at_us: int, start_us: int, end_us: int) -> bytes | None:
        """A black picture as large as that of a time; None where a gap is to stay as it is."""
        frame = None
        if end_us - start_us <= LONGEST_HOLE_US:
            with suppress(NoPicture):
                frame = self._pictures.frame(self._codec, *self._size_at(stream, at_us))
        (self.held if frame is None else self.filled).add(start_us, end_us)
        return frame

    def _shown(self, stream: StreamId, placed: Placed, end: int) -> _Shown:
        """The last picture of those before `end`."""
        times = placed.time_us[max(end - 2, 0) : end]
        if len(times) < 2 and self._last is not None:
            times = np.append(self._last.time_us, times)
        hold_us = int(times[-1] - times[0]) if len(times) > 1 else _HOLD_US
        return _Shown(
            stream,
            int(placed.time_us[:end].max()),
            min(max(hold_us, 1), _LONGEST_HOLD_US),
            int(placed.rotation[end - 1]),
        )


def _without_loss(placed: Placed, index: int) -> Placed:
    """The same frames; before that one the picture does not stand still any more."""
    after_loss = placed.after_loss.copy()
    after_loss[index] = False
    return placed._replace(after_loss=after_loss)


def _placed(frame: bytes, time_us: int, rotation: int) -> Placed:
    return place_whole(
        time_us=np.array([time_us], np.int64),
        duration_us=np.zeros(1, np.int64),
        keyframe=np.ones(1, np.bool_),
        after_loss=np.zeros(1, np.bool_),
        rotation=np.array([rotation], np.int16),
        size=np.array([len(frame)], np.int64),
        body=frame,
    )
