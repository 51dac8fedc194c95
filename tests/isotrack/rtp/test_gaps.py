from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.rtp.gaps import fills_gap


def kept(
    came: Sequence[tuple[int, int]],
    copies: Sequence[tuple[int, int]],
    *,
    before: tuple[int, int] | None = None,
    empty: Sequence[int] = (),
) -> list[tuple[int, int]]:
    """The (number, timestamp) of the copies that are kept."""
    run = sorted([*((*each, False) for each in came), *((*each, True) for each in copies)])
    sequence, timestamp, restored = (np.array(c) for c in zip(*run, strict=True))
    filled = ~np.isin(sequence, list(empty)) | restored.astype(np.bool_)
    mask = fills_gap(
        sequence.astype(np.int64),
        timestamp.astype(np.int64),
        restored.astype(np.bool_),
        filled,
        before,
    )
    assert mask[~restored.astype(np.bool_)].all()
    return [(n, t) for (n, t, is_copy), keep in zip(run, mask, strict=True) if is_copy and keep]


def at(*numbers: int) -> list[tuple[int, int]]:
    return [(number, 960 * number) for number in numbers]


def test_copies_fill_a_gap_each_once_and_in_order() -> None:
    """Edge case 155: two lost at distance 2, and the last of them brought twice."""
    assert kept(at(1, 2, 5, 6), at(3, 4, 4)) == at(3, 4)


def test_a_copy_of_what_came_is_left_out() -> None:
    """Edge case 156: it points to a packet that came, be it one without sound."""
    assert kept(at(1, 2, 3), at(1, 2)) == []
    assert kept([*at(1, 3), (2, 0)], at(2), empty=[2]) == []


@pytest.mark.parametrize("ticks", [0, 960, 961, 1919 + 960, 2880, 3000, -5000, 2**40])
def test_a_copy_that_does_not_lie_in_its_gap_is_left_out(ticks: int) -> None:
    """Edge case 156: too small, too large, or the time of a neighbor."""
    assert kept(at(0, 1, 3, 4), [(2, ticks)]) == []


@pytest.mark.parametrize("ticks", [1440, 1919, 1921, 2000])
def test_a_copy_at_no_multiple_of_the_spacing_is_left_out(ticks: int) -> None:
    """Edge case 156."""
    assert kept(at(0, 1, 3, 4), [(2, ticks)]) == []
    assert kept(at(0, 1, 3, 4), [(2, ticks), (2, 1920)]) == at(2)


def test_packets_of_changing_length_have_a_smaller_spacing() -> None:
    """Edge case 141: 10, 20 and 60 ms in one call."""
    came = [(0, 0), (1, 480), (2, 1440), (3, 4320), (6, 9120)]

    assert kept(came, [(4, 5280), (5, 8160)]) == [(4, 5280), (5, 8160)]
    assert kept(came, [(4, 5281)]) == []


def test_without_packets_that_follow_each_other_any_time_in_the_gap_is_right() -> None:
    assert kept(at(0, 2), [(1, 700)]) == [(1, 700)]


def test_what_was_sent_before_the_first_packet_or_after_the_last_is_no_gap() -> None:
    assert kept(at(5, 6), at(3, 4, 7)) == []


def test_a_gap_may_begin_before_these_packets() -> None:
    assert kept(at(5, 6), at(3, 4), before=at(2)[0]) == at(3, 4)
    assert kept(at(5, 6), at(1, 2, 4), before=at(3)[0]) == at(4)
    assert kept(at(2, 5, 6), at(1, 4), before=at(3)[0]) == at(4)  # 2 is late


def test_a_copy_numbered_wrongly_is_left_out() -> None:
    """Edge cases 15 and 152: telephone events between have numbers, but no copies."""
    assert kept([(1, 960), (2, 1920), (5, 2880)], [(3, 960), (4, 1920)]) == []


def test_the_time_of_a_packet_without_sound_says_nothing() -> None:
    came = [*at(1, 2, 5, 6), (3, 2**33)]

    assert kept(came, at(4), empty=[3]) == at(4)


def test_time_goes_on_within_a_gap() -> None:
    assert kept(at(0, 1, 5, 6), [(2, 2880), (3, 1920), (4, 3840)]) == [(2, 2880), (4, 3840)]


def test_a_clock_that_falls_back_has_gaps_on_both_sides() -> None:
    came = [(1, 96_000), (2, 96_960), (4, 98_880), (5, 960), (7, 2880), (8, 3840)]

    assert kept(came, [(3, 97_920), (6, 1920)]) == [(3, 97_920), (6, 1920)]


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(-4, 12)), max_size=12),
    st.lists(st.tuples(st.integers(0, 12), st.integers(-4, 12)), min_size=1, max_size=12),
    st.none() | st.tuples(st.integers(0, 6), st.integers(-4, 12)),
)
def test_whatever_is_kept_is_missed_and_rises(
    came: list[tuple[int, int]],
    copies: list[tuple[int, int]],
    before: tuple[int, int] | None,
) -> None:
    found = kept(came, copies, before=before)

    numbers = [number for number, _ in found]
    assert len(set(numbers)) == len(numbers)
    assert not set(numbers) & {number for number, _ in came}
    assert all(before is None or number > before[0] for number in numbers)
