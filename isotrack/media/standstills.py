"""Where the RTP clock of a stream stood still or leapt: what its delays tell of it.

A delay that rises and stays up is a clock that stood still. One that comes back was a queue, as
long as it may take to drain. One that falls below its old floor is a clock that leapt ahead,
unless that floor is so young that it may have been a queue itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from isotrack.media.observations import Delays

STOP_US = 200_000
"""Floors further apart than this are those of a clock before and after it stood still."""

QUEUE_US = 15_000_000
"""A queue is drained by then."""


def run_starts(delays: Delays) -> list[int]:
    """RTP timestamps from which on the clock kept going; the first is that of the first packet."""
    arrival, delay = delays.arrival_us.tolist(), delays.delay_us.tolist()
    first = delays.first.tolist()
    following = list(_least_within(zip(reversed(arrival), reversed(delay), strict=True)))[::-1]
    starts, began, recent = [min(first)], arrival[0], _Recent()
    for i in range(len(arrival)):
        floor = recent.least
        if floor is not None and first[i] > starts[-1]:
            known_us = max(arrival[i] - began, floor - delay[i])
            leapt = delay[i] < floor - STOP_US and known_us > QUEUE_US
            if leapt or following[i] > floor + STOP_US:
                starts.append(first[i])
                began, recent = arrival[i], _Recent()
        recent.add(arrival[i], delay[i])
    return starts


def _least_within(rows: Iterable[tuple[int, int]]) -> Iterator[int]:
    """The least delay from each row back over the time of a queue."""
    recent = _Recent()
    for arrival, delay in rows:
        recent.add(arrival, delay)
        assert recent.least is not None
        yield recent.least


class _Recent:
    """The least of the values added within the time of a queue, as of the newest one."""

    def __init__(self) -> None:
        self._rising: deque[tuple[int, int]] = deque()

    @property
    def least(self) -> int | None:
        return self._rising[0][1] if self._rising else None

    def add(self, at_us: int, value: int) -> None:
        while self._rising and self._rising[-1][1] >= value:
            self._rising.pop()
        self._rising.append((at_us, value))
        while abs(at_us - self._rising[0][0]) > QUEUE_US:
            self._rising.popleft()
