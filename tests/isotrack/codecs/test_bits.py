import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.codecs.bits import Bits
from tests.bits import BitWriter


def test_numbers_are_read_the_most_significant_bit_first() -> None:
    bits = Bits(b"\xa5\x0f", "Test")
    assert [bits.take(3), bits.take(0), bits.take(9), bits.flag()] == [5, 0, 0x50, True]
    with pytest.raises(ValueError, match="Test is truncated after 2 bytes"):
        bits.take(4)
    assert bits.take(3) == 7


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1))))
def test_numbers_under_a_limit_take_no_more_bits_than_they_need(pair: tuple[int, int]) -> None:
    limit, value = pair
    written = BitWriter().below(value, limit)
    assert len(written.bits) <= (limit - 1).bit_length()
    assert Bits(written.to_bytes() + b"\0", "Test").below(limit) == value
