from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.media.stretches import Stretches


def collected(bounds: list[tuple[int, int]], limit: int = 4) -> Stretches:
    stretches = Stretches(limit)
    for start_us, end_us in bounds:
        stretches.add(start_us, end_us)
    return stretches


def test_few_are_listed_as_they_are_in_the_order_they_begin() -> None:
    found = collected([(30, 40), (0, 10), (12, 20)])

    assert found.listed().tolist() == [[0, 10], [12, 20], [30, 40]]
    assert (found.count, found.total_us) == (3, 28)


def test_of_too_many_those_nearest_to_each_other_become_one() -> None:
    found = collected([(0, 10), (11, 20), (50, 60), (100, 110), (112, 115), (400, 500)])

    assert found.listed().tolist() == [[0, 20], [50, 60], [100, 115], [400, 500]]
    assert (found.count, found.total_us) == (6, 10 + 9 + 10 + 10 + 3 + 100)


def test_before_the_first_there_is_nothing() -> None:
    assert Stretches().listed().tolist() == []


@pytest.mark.parametrize("limit", [1, 5])
@given(gaps=st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), max_size=200))
def test_the_list_is_short_and_covers_all(limit: int, gaps: list[tuple[int, int]]) -> None:
    bounds, at = [], 0
    for gap, length in gaps:
        bounds.append((at + gap, at + gap + length))
        at += gap + length

    found = collected(bounds, limit)

    listed = found.listed().tolist()
    assert len(listed) == min(len(bounds), limit)
    assert all(any(a <= start and end <= z for a, z in listed) for start, end in bounds)
    assert all(a[1] <= b[0] for a, b in pairwise(listed))
    assert found.total_us == sum(length for _, length in gaps)
    if bounds:
        assert (listed[0][0], listed[-1][1]) == (bounds[0][0], bounds[-1][1])
