"""The two clocks of a participant: the call's, which is true, and their device's, which is not.

Both run in microseconds from the beginning of the call; the call's may be played faster than life.
"""

from __future__ import annotations

import time


class CallClock:
    """The time of the call now, given the wall time of its beginning and how fast it is played."""

    def __init__(self, zero_unix_ns: int, speed: float) -> None:
        self._zero_unix_ns = zero_unix_ns
        self._speed = speed

    def now_us(self) -> int:
        """Microseconds of the call that have passed; negative before it begins."""
        return int((time.time_ns() - self._zero_unix_ns) * self._speed) // 1_000

    def seconds_until(self, call_us: int) -> float:
        """Real time from now to a time of the call; negative when it has passed."""
        return (call_us - self.now_us()) / self._speed / 1_000_000

    def sleep_until(self, call_us: int) -> None:
        """Wait for a time of the call; return at once when it has passed."""
        time.sleep(max(0.0, self.seconds_until(call_us)))

    def late_ms(self, call_us: int) -> int:
        """How long ago a time of the call was, in milliseconds of real time."""
        return int(-self.seconds_until(call_us) * 1_000)


class DeviceClock:
    """A device's own clock: set wrong by an offset, and running fast or slow by a drift."""

    def __init__(self, zero_unix_us: int, *, offset_ms: int, drift_ppm: int) -> None:
        self._zero_unix_us = zero_unix_us + offset_ms * 1_000
        self._per_million = 1_000_000 + drift_ppm

    def own_us(self, call_us: int) -> int:
        """What the device has counted when the call's clock shows `call_us`."""
        return call_us * self._per_million // 1_000_000

    def call_us(self, own_us: float) -> float:
        """The time of the call at which the device has counted `own_us`."""
        return own_us * 1_000_000 / self._per_million

    def wall_us(self, call_us: int) -> int:
        """The device's wall clock, Unix microseconds, as its sender reports say it."""
        return self._zero_unix_us + self.own_us(call_us)
