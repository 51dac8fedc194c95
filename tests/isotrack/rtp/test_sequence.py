import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.rtp.sequence import Unwrapper


def unwrap(bits: int, values: list[int]) -> list[int]:
    return (Unwrapper(bits)(np.array(values, np.uint32)) - (1 << bits)).tolist()


def test_a_counter_counts_on_behind_its_wrap() -> None:
    assert unwrap(16, [65534, 65535, 0, 1]) == [65534, 65535, 65536, 65537]


def test_a_late_packet_from_before_the_wrap_goes_before_it() -> None:
    assert unwrap(16, [65534, 0, 65535, 1]) == [65534, 65536, 65535, 65537]


def test_a_packet_older_than_the_first_is_not_negative() -> None:
    unwrapper = Unwrapper(16)
    assert unwrapper(np.array([0, 65535, 1], np.uint16)).tolist() == [65536, 65535, 65537]


def test_two_wraps_and_more_are_counted() -> None:
    values = np.arange(0, 300_000, 1000)
    assert unwrap(16, (values & 0xFFFF).tolist()) == values.tolist()


def test_the_next_call_continues_where_the_last_ended() -> None:
    unwrapper = Unwrapper(32)
    assert unwrapper.last is None
    first = unwrapper(np.array([0xFFFFFF00], np.uint32))
    assert unwrapper(np.empty(0, np.uint32)).size == 0
    second = unwrapper(np.array([0x100, 0xFFFFFF80, 0x200], np.uint32))
    assert (second - first).tolist() == [0x200, 0x80, 0x300]
    assert unwrapper.last == second[-1]


def test_exactly_half_the_range_is_back() -> None:
    assert unwrap(16, [40_000, 40_000 + 32_767 - 65_536]) == [40_000, 72_767]
    assert unwrap(16, [40_000, 40_000 - 32_768]) == [40_000, 7_232]


def test_the_values_given_are_left_as_they_are() -> None:
    values = np.array([5, 3, 1], np.int64)
    Unwrapper(16)(values)
    assert values.tolist() == [5, 3, 1]


@pytest.mark.parametrize("bits", [7, 8, 15, 16, 32])
@given(seed=st.integers(0, 2**32 - 1), cuts=st.lists(st.integers(0, 200), max_size=5))
def test_any_walk_of_small_steps_is_followed_over_any_calls(
    bits: int, seed: int, cuts: list[int]
) -> None:
    random = np.random.default_rng(seed)
    half = 1 << (bits - 1)
    truth = random.integers(0, 1 << bits) + np.cumsum(random.integers(-half, half, 200))
    wrapped = (truth % (1 << bits)).astype(np.uint32)
    unwrapper = Unwrapper(bits)
    found = np.concatenate([unwrapper(part) for part in np.split(wrapped, sorted(cuts))])
    assert np.diff(found).tolist() == np.diff(truth).tolist()
    assert (found % (1 << bits) == wrapped).all()
