from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from isotrack.media.moments import Moments


def test_few_are_kept_as_they_are() -> None:
    moments = Moments(8)

    moments.add(np.array([5, 7, 20]))
    moments.add(np.array([], np.int64))
    moments.add(np.array([21]))

    assert moments.kept_us() == [5, 7, 20, 21]
    assert (moments.count, moments.every, moments.longest_us) == (4, 1, 13)


def test_the_longest_time_between_two_may_lie_over_the_end_of_a_chunk() -> None:
    moments = Moments()

    moments.add(np.array([5, 7]))
    moments.add(np.array([107, 110]))

    assert moments.longest_us == 100


@given(sizes=st.lists(st.integers(0, 40), max_size=30), limit=st.integers(1, 9))
def test_of_too_many_each_of_some_is_kept_however_they_come_in_pieces(
    sizes: list[int], limit: int
) -> None:
    moments, at = Moments(limit), 0
    for size in sizes:
        moments.add(np.arange(at, at + size))
        at += size

    kept = moments.kept_us()

    assert kept == list(range(0, at, moments.every))
    assert len(kept) <= limit
    assert moments.count == at
    assert moments.every == 1 or 2 * len(kept) > limit
