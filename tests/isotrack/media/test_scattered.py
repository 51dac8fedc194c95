from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.media.scattered import Scattered, strung, within


def bytes_of(data: Scattered) -> list[bytes]:
    """The bytes at the addresses of the pieces, as the pieces have them."""
    pieces = [bytes(piece) for piece in data.pieces()]
    assert data.joined() == b"".join(pieces)
    assert data.length.tolist() == [len(piece) for piece in pieces]
    return pieces


def column(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


@st.composite
def scattered(draw: st.DrawFn) -> tuple[Scattered, list[bytes]]:
    """Pieces of some buffers, and what is in them."""
    bodies = draw(st.lists(st.binary(max_size=30), min_size=1, max_size=4))
    rows, found = [], []
    for _ in range(draw(st.integers(0, 12))):
        which = draw(st.integers(0, len(bodies) - 1))
        begin, end = sorted(draw(st.tuples(*[st.integers(0, len(bodies[which]))] * 2)))
        rows.append((which, begin, end - begin))
        found.append(bodies[which][begin:end])
    columns = np.array(rows, np.int64).reshape(-1, 3).T
    return Scattered([np.frombuffer(body, np.uint8) for body in bodies], *columns), found


@given(scattered())
def test_pieces_are_the_bytes_of_their_places(made: tuple[Scattered, list[bytes]]) -> None:
    data, expected = made

    assert bytes_of(data) == expected
    assert data.count == len(expected)
    assert data.vectors.shape == (len(expected), 2)


@given(st.lists(scattered(), min_size=1, max_size=3), st.data())
def test_strung_and_taken_in_any_order_they_are_the_same_bytes(
    made: list[tuple[Scattered, list[bytes]]], data: st.DataObject
) -> None:
    expected = [piece for _, pieces in made for piece in pieces]

    together = strung([each for each, _ in made])

    assert bytes_of(together) == expected
    if expected:
        rows = data.draw(st.lists(st.integers(0, len(expected) - 1), max_size=20))
        assert bytes_of(together.take(np.array(rows, np.int64)).trimmed()) == [
            expected[row] for row in rows
        ]
    cut = slice(*sorted(data.draw(st.tuples(*[st.integers(0, len(expected))] * 2))))
    assert bytes_of(together.take(cut).trimmed()) == expected[cut]


def test_bytes_that_lie_in_two_overlapping_buffers_are_the_same_bytes() -> None:
    body = np.frombuffer(b"0123456789", np.uint8)
    parts = [within(body, column(7), column(3)), within(body[2:5], column(0), column(3))]

    assert bytes_of(strung(parts)) == [b"789", b"234"]
    assert bytes_of(strung([*parts[::-1], *parts]).trimmed()) == [b"234", b"789", b"789", b"234"]


def test_buffers_without_a_piece_are_let_go_and_the_others_are_held_once() -> None:
    bodies = [np.full(9, i, np.uint8) for i in range(5)]
    data = Scattered(bodies, column(3, 1, 3), column(0, 2, 8), column(2, 2, 1))

    assert [int(buffer[0]) for buffer in data.trimmed().buffers] == [1, 3]
    assert len(strung([data, data]).buffers) == 5
    assert data.take(slice(0)).trimmed().buffers == ()


@pytest.mark.parametrize(
    ("offset", "length"),
    [(11, 0), (10, 1), (0, 11), (-1, 1), (5, -1), (2**62, 2**62), (2**63 - 1, 2**63 - 1),
     (-(2**63), 5), (5, -(2**63))],
)  # fmt: skip
def test_a_piece_outside_of_its_buffer_is_refused(offset: int, length: int) -> None:
    body, other = np.zeros(10, np.uint8), np.zeros(100, np.uint8)
    for make in (
        lambda: within(body, column(0, offset), column(10, length)),
        lambda: Scattered([other, body], column(0, 1), column(90, offset), column(10, length)),
    ):
        with pytest.raises(ValueError, match="outside"):
            make()


def test_a_buffer_that_is_not_there_is_refused() -> None:
    with pytest.raises(IndexError):
        Scattered([np.zeros(1, np.uint8)], column(1), column(0), column(1))


@pytest.mark.parametrize(
    "buffer",
    [np.zeros(10, np.int16), np.zeros((5, 2), np.uint8), np.zeros(10, np.uint8)[::2]],
    ids=["of another type", "a table", "every other byte"],
)
def test_what_is_no_run_of_bytes_is_refused(buffer: np.ndarray) -> None:
    with pytest.raises(ValueError, match="contiguous"):
        within(buffer, column(0), column(1))


@pytest.mark.parametrize("dtype", [np.int32, np.uint32, np.uint64, np.int64])
def test_places_may_be_of_any_type(dtype: type) -> None:
    places: Sequence[np.ndarray] = [np.array(each, dtype) for each in ((4, 0), (2, 1))]

    assert bytes_of(within(np.frombuffer(b"abcdef", np.uint8), *places)) == [b"ef", b"a"]
