"""What goes on over time, in columns short enough for a sidecar."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.media.activity import SECOND_US, BytesBySecond

MAX_VALUES = 1000
"""A column has no more values: their step grows with the length of the file."""

_STEPS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)
_NOTHING = -128


class Steps(NamedTuple):
    """How a length of time is cut up."""

    step_s: int
    """Seconds of each step; the last one may reach over the end."""
    values: int

    @classmethod
    def of(cls, length_us: int) -> Steps:
        """As short as they may be, and of a length that people use."""
        seconds = max(-(-length_us // SECOND_US), 1)
        least = -(-seconds // MAX_VALUES)
        step_s = next((step for step in _STEPS_S if step >= least), least)
        return cls(step_s, -(-seconds // step_s))


class Levels(NamedTuple):
    """Levels of sound by when they were: columns."""

    time_us: NDArray[np.int64]
    """The middle of a second."""
    peak_dbov: NDArray[np.int8]
    mean_dbov: NDArray[np.int8]


def kbps(traffic: Iterable[BytesBySecond], first_second: int, steps: Steps) -> tuple[int, ...]:
    """Kilobits per second of several streams together.

    Args:
        traffic: of each stream.
        first_second: Unix time of the beginning.
        steps: of the values.
    """
    total = np.zeros(steps.values, np.int64)
    for each in traffic:
        place = (each.second - first_second) // steps.step_s
        inside = (place >= 0) & (place < steps.values)
        np.add.at(total, place[inside], each.size[inside])
    per_kbit = 1000 * steps.step_s
    return tuple(((total * 8 + per_kbit // 2) // per_kbit).tolist())


def by_step(
    levels: Levels, start_us: int, steps: Steps
) -> tuple[tuple[int | None, ...], tuple[int | None, ...]]:
    """The highest peak and the mean power of each step; None where nothing was told.

    Args:
        levels: of all streams.
        start_us: the beginning.
        steps: of the values.
    """
    place = (levels.time_us - start_us) // (steps.step_s * SECOND_US)
    inside = (place >= 0) & (place < steps.values)
    place = place[inside]
    peak = np.full(steps.values, _NOTHING, np.int8)
    np.maximum.at(peak, place, levels.peak_dbov[inside])
    power = np.bincount(place, 10.0 ** (levels.mean_dbov[inside] / 10), steps.values)
    rows = np.bincount(place, minlength=steps.values)
    told = rows > 0
    mean = np.full(steps.values, _NOTHING, np.int8)
    mean[told] = np.rint(10 * np.log10(power[told] / rows[told]))
    return _or_none(peak), _or_none(mean)


def _or_none(values: NDArray[np.int8]) -> tuple[int | None, ...]:
    return tuple(None if value == _NOTHING else value for value in values.tolist())
