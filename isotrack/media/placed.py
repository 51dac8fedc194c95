"""Frames placed in time: each with its Unix microseconds, its bytes still where they arrived."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.media.clock import Clock
from isotrack.media.frames import Frames
from isotrack.media.observations import ticks_to_us
from isotrack.media.scattered import Scattered, strung, within


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
    first: NDArray[np.int64]
    """[n] index of each frame's first slice."""
    end: NDArray[np.int64]
    """[n] index behind its last one. The slices of a frame are behind those of the one before."""
    slices: Scattered
    """Those of all frames, and maybe of others."""

    @property
    def count(self) -> int:  # type: ignore[override]  # not tuple.count: these are columns
        """Number of frames."""
        return len(self.time_us)

    def part(self, start: int, end: int) -> Placed:
        """The frames from `start` up to `end`, over the same slices."""
        columns: list[Any] = [column[start:end] for column in self[:-1]]
        return Placed(*columns, self.slices)  # type: ignore[call-arg]

    def kept(self, mask: NDArray[np.bool_]) -> Placed:
        """The frames of a mask, over the same slices."""
        if np.count_nonzero(mask) == len(mask):
            return self
        columns: list[Any] = [column[mask] for column in self[:-1]]
        return Placed(*columns, self.slices)  # type: ignore[call-arg]

    def narrowed(self) -> Placed:
        """The same frames, over no slices but those from the first one's to the last one's."""
        if not self.count:
            return self._replace(slices=self.slices.take(slice(0)))
        start, stop = int(self.first[0]), int(self.end[-1])
        if start == 0 and stop == self.slices.count:
            return self
        slices = self.slices.take(slice(start, stop))
        return self._replace(first=self.first - start, end=self.end - start, slices=slices)

    def frame(self, row: int) -> bytes:
        """The bytes of one frame."""
        return self.slices.take(slice(int(self.first[row]), int(self.end[row]))).joined()


def place(frames: Frames, clock: Clock) -> Placed:
    """Give frames their time.

    Args:
        frames: of one stream.
        clock: of that stream.
    """
    before = np.zeros(len(frames.slice_length) + 1, np.int64)
    frames.slice_length.cumsum(out=before[1:])
    ends = before[frames.first_slice]
    duration = frames.duration
    has_durations = np.count_nonzero(duration)
    return Placed(
        time_us=clock.host_us(frames.timestamp),
        duration_us=ticks_to_us(duration, clock.clock_rate) if has_durations else duration,
        keyframe=frames.keyframe,
        after_loss=frames.after_loss,
        rotation=frames.rotation,
        size=ends[1:] - ends[:-1],
        first=frames.first_slice[:-1],
        end=frames.first_slice[1:],
        slices=within(frames.buffer, frames.slice_offset, frames.slice_length),
    )


def place_whole(
    time_us: NDArray[np.int64],
    duration_us: NDArray[np.int64],
    keyframe: NDArray[np.bool_],
    after_loss: NDArray[np.bool_],
    rotation: NDArray[np.int16],
    size: NDArray[np.int64],
    body: bytes,
) -> Placed:
    """Frames made here, of known times, that stand one behind the other in `body`."""
    slices = within(np.frombuffer(body, np.uint8), size.cumsum() - size, size)
    first = np.arange(len(size))
    columns = time_us, duration_us, keyframe, after_loss, rotation, size
    return Placed(*columns, first, first + 1, slices)


def joined(parts: Sequence[Placed]) -> Placed:
    """The frames of all parts, one behind the other, over the slices they need."""
    if len(parts) == 1:
        return parts[0].narrowed()
    parts = [part.narrowed() for part in parts]
    columns: list[Any] = [
        np.concatenate(column) for column in zip(*(part[:-1] for part in parts), strict=True)
    ]
    together = Placed(*columns, strung([part.slices for part in parts]))  # type: ignore[call-arg]
    begin = count = 0
    for part in parts:
        rows = slice(begin, begin + part.count)
        together.first[rows] += count
        together.end[rows] += count
        begin, count = rows.stop, count + part.slices.count
    return together
