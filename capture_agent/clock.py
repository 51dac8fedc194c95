"""The agent's clock: Unix time, or a faster one for rehearsals."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock:
    """Time as the agent writes it: `epoch + speed * (real - epoch)`, real time at speed 1.

    A call played faster than it happened arrives with its packets too close together. An agent
    whose clock runs as much faster records it as if it had been played at its own pace. The epoch
    is fixed once and kept in the journal, so that a restart does not bend time.
    """

    def __init__(self, epoch_ns: int, speed: float = 1.0) -> None:
        self.epoch_ns = epoch_ns
        self.speed = speed

    def now(self) -> datetime:
        """The time, to the microsecond."""
        return _datetime(self._convert(time.time_ns()))

    def convert(self, real: datetime) -> datetime:
        """A real time, as this clock showed it."""
        return _datetime(self._convert((real - _EPOCH) // timedelta(microseconds=1) * 1000))

    def real(self, shown: datetime) -> datetime:
        """The real time at which this clock showed a time: what `convert` undoes."""
        if self.speed == 1.0:
            return shown
        shown_ns = (shown - _EPOCH) // timedelta(microseconds=1) * 1000
        return _datetime(self.epoch_ns + round((shown_ns - self.epoch_ns) / self.speed))

    def arrivals_us(self, real_ns: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Kernel timestamps in nanoseconds, as microseconds of this clock."""
        real = real_ns.astype(np.int64)
        if self.speed == 1.0:
            return real // 1000
        # A double holds nanoseconds exactly for 104 days from the epoch, longer than a rehearsal.
        elapsed = np.rint((real - self.epoch_ns) * self.speed).astype(np.int64)
        converted: NDArray[np.int64] = (elapsed + self.epoch_ns) // 1000
        return converted

    def _convert(self, real_ns: int) -> int:
        if self.speed == 1.0:
            return real_ns
        return self.epoch_ns + round((real_ns - self.epoch_ns) * self.speed)


def _datetime(unix_ns: int) -> datetime:
    return _EPOCH + timedelta(microseconds=unix_ns // 1000)
