import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from isotrack.codecs.openings import WIDTH, Openings


@given(st.binary(min_size=1, max_size=40), st.data())
def test_bytes_are_those_at_their_place(content: bytes, data: st.DataObject) -> None:
    """Whatever stands where the buffer has ended, what is before its end is right."""
    begin = data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=5))
    openings = Openings(np.frombuffer(content, np.uint8), np.array(begin))
    for position in range(WIDTH):
        each = openings.byte(np.full(len(begin), position)).tolist()
        assert openings.byte(position).tolist() == each
        for start, found in zip(begin, each, strict=True):
            if start + position < len(content):
                assert found == content[start + position]


def test_positions_may_differ() -> None:
    openings = Openings(np.arange(20, dtype=np.uint8), np.array([3, 15, 18]))
    assert openings.byte(np.array([3, 0, 1])).tolist() == [6, 15, 19]


def test_no_payloads_have_no_openings() -> None:
    assert Openings(np.zeros(0, np.uint8), np.zeros(0, np.int64)).byte(0).tolist() == []
