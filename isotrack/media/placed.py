"""Frames placed on the SFU host's clock, their bytes brought together."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.media.clock import Clock
from isotrack.media.frames import Frames
from isotrack.media.gathering import Allocate, fresh, gather_in_place, gather_slices
from isotrack.media.observations import ticks_to_us

ROOM = 9
"""Bytes left free before each frame: a container's header of the block it goes into."""


class Placed(NamedTuple):
    """Frames of one stream or lane in decode order."""

    time_us: NDArray[np.int64]
    """[n] Unix microseconds on the SFU host's clock."""
    duration_us: NDArray[np.int64]
    """[n] 0 where the codec does not say (video)."""
    keyframe: NDArray[np.bool_]
    after_loss: NDArray[np.bool_]
    rotation: NDArray[np.int16]
    """[n] degrees clockwise by which the picture is to be turned to stand upright; 0 of sound."""
    size: NDArray[np.int64]
    """[n] bytes of each frame."""
    offset: NDArray[np.int64]
    """[n] where each frame begins in the body: `ROOM` bytes behind the end of the one before it."""
    body: NDArray[np.uint8]

    @property
    def count(self) -> int:  # type: ignore[override]  # not tuple.count: these are columns
        """Number of frames."""
        return len(self.time_us)

    def part(self, start: int, end: int) -> Placed:
        """The frames from `start` up to `end`, over the same body."""
        columns: list[Any] = [column[start:end] for column in self[:-1]]
        return Placed(*columns, self.body)  # type: ignore[call-arg]

    def kept(self, mask: NDArray[np.bool_]) -> Placed:
        """The frames of a mask, over the same body."""
        if mask.all():
            return self
        columns: list[Any] = [column[mask] for column in self[:-1]]
        return Placed(*columns, self.body)  # type: ignore[call-arg]


def place(
    frames: Frames, clock: Clock, allocate: Allocate = fresh, *, in_place: bool = False
) -> Placed:
    """Give frames their time, and bring the bytes of each together.

    Args:
        frames: of one stream.
        clock: of that stream.
        allocate: makes the memory.
        in_place: nobody but the frames needs their buffer: what it holds may be moved about.
    """
    ends = np.concatenate(([0], np.cumsum(frames.slice_length)))
    size = np.diff(ends[frames.first_slice])
    offset = ends[frames.first_slice[:-1]] + ROOM * np.arange(1, frames.count + 1)
    room = np.repeat(ROOM * np.arange(1, frames.count + 1), np.diff(frames.first_slice))
    slices = frames.buffer, frames.slice_offset, frames.slice_length, ends[:-1] + room
    whole = int(ends[-1]) + ROOM * frames.count
    body = gather_in_place(*slices, whole) if in_place else None
    return Placed(
        time_us=clock.host_us(frames.timestamp),
        duration_us=ticks_to_us(frames.duration, clock.clock_rate),
        keyframe=frames.keyframe,
        after_loss=frames.after_loss,
        rotation=frames.rotation,
        size=size,
        offset=offset,
        body=gather_slices(*slices, whole, allocate) if body is None else body,
    )
