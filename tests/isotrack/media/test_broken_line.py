from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.media.broken_line import BrokenLine, Part
from isotrack.media.observations import ticks_to_us

RATE = 90_000
START_US = 1_760_000_000_000_000


def part(start: int, knots: list[int], offset_us: list[int]) -> Part:
    return Part(start, np.array(knots, np.int64), START_US + np.array(offset_us, np.int64))


@st.composite
def lines(draw: st.DrawFn) -> list[Part]:
    """One to four parts of knots in order, some of them at the same place."""
    parts, at = [], draw(st.integers(0, 2**33))
    for _ in range(draw(st.integers(1, 4))):
        first = at + draw(st.sampled_from([0, 1, RATE]))
        steps = draw(st.lists(st.integers(0, 10 * RATE), max_size=5))
        knots = np.cumsum([first, *steps]).tolist()
        heights = draw(st.lists(st.integers(-3000, 3000), min_size=len(knots), max_size=len(knots)))
        parts.append(part(at, knots, heights))
        at = knots[-1] + draw(st.integers(1, 5 * RATE))
    return parts


def told(parts: list[Part], timestamp: int) -> int:
    """The offset at a timestamp, from the words in the docstring of the class."""
    mine = [each for each in parts if each.start <= timestamp] or parts[:1]
    knots, offset_us = mine[-1].knots.tolist(), mine[-1].offset_us.tolist()
    before = [i for i, knot in enumerate(knots) if knot <= timestamp]
    if not before or before[-1] + 1 == len(knots):
        return int(offset_us[before[-1] if before else 0])
    left = before[-1]
    along = (timestamp - knots[left]) / (knots[left + 1] - knots[left])
    return int(offset_us[left] + round(along * (offset_us[left + 1] - offset_us[left])))


@given(lines(), st.data())
def test_timestamps_in_any_order_lie_where_each_alone_does(
    parts: list[Part], data: st.DataObject
) -> None:
    edges = [edge for each in parts for edge in (each.start, *each.knots.tolist())]
    near = st.integers(edges[0] - 20 * RATE, edges[-1] + 20 * RATE) | st.sampled_from(edges)
    timestamps = data.draw(st.lists(near, max_size=40))
    line = BrokenLine(RATE, parts)

    for each in (timestamps, sorted(timestamps), sorted(timestamps)[:1]):
        column = np.array(each, np.int64)
        expected = [told(parts, timestamp) for timestamp in each]
        assert line.offset_us(column).tolist() == expected
        assert line.offset_us(column, line.part(column)).tolist() == expected
        on_time_us = ticks_to_us(column, RATE) + np.array(expected, np.int64)
        assert line.host_us(column).tolist() == on_time_us.tolist()


def test_a_part_goes_on_level_where_another_one_is_asked_for() -> None:
    line = BrokenLine(RATE, [part(0, [0, RATE], [0, 100]), part(2 * RATE, [3 * RATE], [5000])])

    at = np.array([-RATE, RATE // 2, 9 * RATE])

    assert (line.offset_us(at, np.zeros(3, np.int64)) - START_US).tolist() == [0, 50, 100]
    assert (line.offset_us(at, np.ones(3, np.int64)) - START_US).tolist() == [5000] * 3


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100, 48_000, 90_000, 90_001])
@given(ticks=st.lists(st.integers(-(2**40), 2**48), min_size=1))
def test_ticks_are_rounded_down_to_microseconds(rate: int, ticks: list[int]) -> None:
    expected = [Fraction(tick * 1_000_000, rate).__floor__() for tick in ticks]
    assert ticks_to_us(np.array(ticks, np.int64), rate).tolist() == expected
