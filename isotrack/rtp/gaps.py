"""Gaps in the numbering of a stream, and which redundant copies (RFC 2198) belong into them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def fills_gap(
    sequence: NDArray[np.int64],
    timestamp: NDArray[np.int64],
    restored: NDArray[np.bool_],
    filled: NDArray[np.bool_],
    before: tuple[int, int] | None,
) -> NDArray[np.bool_]:
    """Marks the packets to be kept: all that came themselves, and the copies that are missed.

    A copy is missed where no packet of its number came and its timestamp lies between those of the
    packets around the gap, at a multiple of the spacing that packets which follow each other have.
    So a copy that was numbered wrongly, since something without copies was sent between (telephone
    events), is left out, and nothing comes of what was sent before the first packet.

    Args:
        sequence: unwrapped sequence numbers, never falling.
        timestamp: unwrapped.
        restored: is a copy.
        filled: has a payload; the timestamp of a packet without says nothing.
        before: sequence number and timestamp of the last packet before all of these, if any.
    """
    numbers, times = sequence[~restored & filled], timestamp[~restored & filled]
    if before is not None:
        late = numbers <= before[0]
        numbers = np.concatenate((before[:1], numbers[~late]))
        times = np.concatenate((before[1:], times[~late]))
    rows = np.flatnonzero(restored & ~np.isin(sequence, sequence[~restored]))
    gap = np.searchsorted(numbers, sequence[rows])
    inside = (gap > 0) & (gap < numbers.size)
    rows, gap = rows[inside], gap[inside]
    into = timestamp[rows] - times[gap - 1]
    fits = (into > 0) & (timestamp[rows] < times[gap]) & (into % _spacing(numbers, times) == 0)
    rows, gap, into = rows[fits], gap[fits], into[fits]
    kept = ~restored
    kept[rows[_rising(sequence[rows], gap, into)]] = True
    return kept


def _spacing(numbers: NDArray[np.int64], times: NDArray[np.int64]) -> int:
    """The greatest step that all timestamps of consecutive packets are multiples of, at least 1."""
    steps = np.diff(times)[np.diff(numbers) == 1]
    return max(int(np.gcd.reduce(steps)), 1) if steps.size else 1


def _rising(
    sequence: NDArray[np.int64], gap: NDArray[np.int64], into: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Marks one copy for each number, such that time goes on within every gap."""
    place = gap << 34 | np.minimum(into, (1 << 34) - 1)
    rising = place > np.maximum.accumulate(np.concatenate(([-1], place)))[:-1]
    chosen = np.flatnonzero(rising)
    rising[chosen[1:]] = np.diff(sequence[chosen]) > 0
    return rising
