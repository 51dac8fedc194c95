"""Pictures of a camera that is turned during the call, turned so that all of a file is upright.

The first picture of a lane says by how much the header has players turn the whole file. As long as
that does not change, no frame is touched. From the first picture that is held otherwise on, frames
are decoded, turned and coded anew: up to a keyframe of the publisher at which the camera is held as
the header says, from where frames go on as published.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.media.lanes import Lane
from isotrack.media.placed import Placed, place_whole
from isotrack.pipeline.chunks import ChunkReader
from isotrack.pipeline.orientation import OrientationLog
from isotrack.pipeline.ports import (
    CodedPicture,
    NotTurnable,
    PictureTurner,
    PictureTurners,
    TurnedPicture,
)
from isotrack.pipeline.queueing import Due
from isotrack.pipeline.rereading import frames_from
from isotrack.pipeline.survey import Survey
from isotrack.rtp import video_orientation

Reread = Callable[[bytes, int, int], Iterator[bytes]]
"""Gives the frames of a lane once more, from a keyframe on that plays at a time; so many that are
the same are passed over."""

_ATTEMPTS = 4  # at a keyframe that is the same as others near it


class LaneTurner:
    """Makes the frames of one lane upright; without anything that turns, notes how they are.

    Args:
        make: makes what turns a stretch of the lane; may raise NotTurnable.
        reread: gives what was published before a stretch that does not begin with a keyframe.
    """

    def __init__(self, make: Callable[[], PictureTurner] | None, reread: Reread) -> None:
        self._make = make
        self._reread = reread
        self._turner: PictureTurner | None = None
        self._fresh = False  # nothing was turned yet of the stretch
        self._waits = False  # for a keyframe: pictures before it cannot be turned
        self._behind: _Behind | None = None
        self.log = OrientationLog(fixed=make is not None)
        """How the pictures are."""

    def turn(self, due: Due) -> list[Due]:
        """The frames as they go into the file; those that show nothing may be missing."""
        rotation = due.placed.rotation
        if self._make is None or not len(rotation):
            return [self._left(due)]
        header = self.log.header_degrees if self.log.changes else int(rotation[0])
        delta = (rotation - header) % 360
        if self._turner is None and not self._waits and not delta.any():
            return [self._left(due)]
        return list(self._parts(due, delta))

    def _parts(self, due: Due, delta: NDArray[np.int16]) -> Iterator[Due]:
        """The frames, as published and turned by turns."""
        keyframe, start, count = due.placed.keyframe, 0, len(delta)
        while start < count:
            if self._turner is not None:
                ends = keyframe & (delta == 0)
            else:
                ends = keyframe if self._waits else delta != 0
            found = np.flatnonzero(ends[start:])
            end = start + int(found[0]) if len(found) else count
            if end > start:
                part = due.part(start, end)
                yield from (
                    self._turned(part, delta[start:end]) if self._turner else [self._left(part)]
                )
            if end < count:
                self._switch(at_keyframe=bool(keyframe[end]))
            start = end

    def _switch(self, *, at_keyframe: bool) -> None:
        """Begin or end a stretch, or the waiting for a keyframe, with the frame that comes next."""
        if self._turner is not None or self._waits:
            self._turner, self._waits = None, False
            return
        assert self._make  # nothing is ever to be turned without
        try:
            self._turner = self._make() if at_keyframe else self._brought_up(self._make)
        except NotTurnable:
            self._turner = None
        self._fresh, self._waits = True, self._turner is None

    def _brought_up(self, make: Callable[[], PictureTurner]) -> PictureTurner | None:
        """One that decoded everything from the last keyframe on; None if that is not to be had."""
        behind = self._behind
        for attempt in range(_ATTEMPTS if behind else 0):
            assert behind
            turner, size = make(), 0
            again = self._reread(behind.keyframe, behind.time_us, attempt)
            for frame in islice(again, behind.frames):
                turner.follow(frame)
                size += len(frame)
            if size == behind.size:
                return turner
            if not size:
                break
        return None

    def _left(self, due: Due) -> Due:
        """Frames that go into the file as published."""
        placed = due.placed
        if placed.count:
            self.log.add(placed.time_us, placed.rotation, turned=False)
            self._behind = _behind(placed, self._behind) if self._make else None
        return due

    def _turned(self, due: Due, delta: NDArray[np.int16]) -> Iterator[Due]:
        """The frames coded anew."""
        assert self._turner
        placed = due.placed
        rows = zip(placed.keyframe.tolist(), placed.time_us.tolist(), delta.tolist(), strict=True)
        given = [CodedPicture(placed.frame(i), *row) for i, row in enumerate(rows)]
        try:
            pictures = self._turner.turn(given)
        except NotTurnable:
            yield from self._given_up(due)
            return
        self._fresh = False
        self.log.add(placed.time_us, placed.rotation, turned=True)
        if pictures:
            yield _coded(due, pictures)

    def _given_up(self, due: Due) -> Iterator[Due]:
        """Frames that cannot be turned after all, as published, as far as they can be decoded."""
        keyframes = np.flatnonzero(due.placed.keyframe).tolist()
        starts = [0] if self._fresh else keyframes[:1]  # others need what was coded anew
        for start in starts:
            self._turner, self._waits = None, True
            yield self._left(due.part(start, due.placed.count))


def lane_turner(
    lane: Lane, found: Survey, chunks: ChunkReader, turners: PictureTurners | None
) -> LaneTurner | None:
    """What turns a lane; None where nothing is announced of how its camera is held."""
    tracks = [found.tracks[index] for index in dict.fromkeys(span.track for span in lane.spans)]
    if not any(video_orientation.URI in track.form.header_extensions for track in tracks):
        return None
    first = lane.spans[0]
    configuration = found.tracks[first.track].openings[first.stream].configuration
    return LaneTurner(
        None if turners is None else partial(turners, lane.codec, configuration),
        partial(frames_from, tracks=tracks, chunks=chunks),
    )


class _Behind(NamedTuple):
    """What of a lane is in the file as published since a keyframe."""

    keyframe: bytes
    time_us: int
    frames: int
    """With the keyframe."""
    size: int
    """Bytes of them all."""


def _behind(placed: Placed, before: _Behind | None) -> _Behind | None:
    """What is behind a decoder after these frames."""
    keyframes = np.flatnonzero(placed.keyframe)
    if len(keyframes):
        row = int(keyframes[-1])
        count, size = placed.count - row, int(placed.size[row:].sum())
        return _Behind(placed.frame(row), int(placed.time_us[row]), count, size)
    if before is None:
        return None
    count, size = before.frames + placed.count, before.size + int(placed.size.sum())
    return before._replace(frames=count, size=size)


def _coded(due: Due, pictures: list[TurnedPicture]) -> Due:
    """Pictures coded anew, in the place of the frames they were."""
    rows = np.array([picture.number for picture in pictures])
    placed = place_whole(
        time_us=due.placed.time_us[rows],
        duration_us=due.placed.duration_us[rows],
        keyframe=np.array([picture.keyframe for picture in pictures]),
        after_loss=due.placed.after_loss[rows],
        rotation=due.placed.rotation[rows],
        size=np.array([len(picture.frame) for picture in pictures], np.int64),
        body=b"".join(picture.frame for picture in pictures),
    )
    return Due(due.due_us[rows], placed)
