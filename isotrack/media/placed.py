"""Frames placed on the SFU host's clock."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.media.clock import Clock
from isotrack.media.frames import Frames
from isotrack.media.observations import ticks_to_us


class Placed(NamedTuple):
    """Frames of one stream or lane in decode order, with their bytes one after the other."""

    time_us: NDArray[np.int64]
    """[n] Unix microseconds on the SFU host's clock."""
    duration_us: NDArray[np.int64]
    keyframe: NDArray[np.bool_]
    after_loss: NDArray[np.bool_]
    size: NDArray[np.int64]
    body: bytes | memoryview

    @property
    def count(self) -> int:  # type: ignore[override]  # not tuple.count: these are columns
        """Number of frames."""
        return len(self.time_us)

    def part(self, start: int, end: int) -> Placed:
        """The frames from `start` up to `end`."""
        first, last = int(self.size[:start].sum()), int(self.size[:end].sum())
        return Placed(
            time_us=self.time_us[start:end],
            duration_us=self.duration_us[start:end],
            keyframe=self.keyframe[start:end],
            after_loss=self.after_loss[start:end],
            size=self.size[start:end],
            body=memoryview(self.body)[first:last],
        )


def place(frames: Frames, clock: Clock) -> Placed:
    """Give frames their time, and collect their bytes."""
    return Placed(
        time_us=clock.host_us(frames.timestamp),
        duration_us=ticks_to_us(frames.duration, clock.clock_rate),
        keyframe=frames.keyframe,
        after_loss=frames.after_loss,
        size=frames.sizes(),
        body=frames.gather(),
    )
