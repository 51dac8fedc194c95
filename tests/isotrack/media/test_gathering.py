from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from isotrack.media import gathering
from isotrack.media.gathering import gather_in_place, gather_slices

LONGEST_ITEM = gathering._MAX_ITEM


def gathered(
    buffer: np.ndarray, slices: list[tuple[int, int]], gaps: list[int], rest: int = 0
) -> list[bytes]:
    """The slices (offset, length) as they stand in the new buffer, each behind its gap."""
    offset = np.array([at for at, _ in slices], np.int64)
    length = np.array([size for _, size in slices], np.int64)
    target = np.cumsum(np.array(gaps, np.int64) + length) - length
    size = int(target[-1] + length[-1]) + rest if slices else rest
    found = gather_slices(buffer, offset, length, target, size)
    assert found.size == size
    assert found.flags.writeable
    return [
        found[at : at + count].tobytes()
        for at, count in zip(target.tolist(), length.tolist(), strict=True)
    ]


def noise(size: int) -> np.ndarray:
    return np.random.default_rng(size).integers(0, 256, size, np.uint8)


@st.composite
def slices_of(draw: st.DrawFn, size: int) -> list[tuple[int, int]]:
    """Slices anywhere in a buffer, overlapping or not, some of them at its very end."""
    slices = []
    for _ in range(draw(st.integers(0, 30))):
        length = draw(st.one_of(st.integers(0, min(size, 40)), st.integers(0, size)))
        at = draw(st.one_of(st.just(size - length), st.integers(0, size - length)))
        slices.append((at, length))
    return slices


@settings(max_examples=100, deadline=None)
@given(data=st.data(), size=st.integers(0, 3 * LONGEST_ITEM), rest=st.integers(0, 50))
def test_any_slices_stand_where_plain_slicing_puts_them(
    data: st.DataObject, size: int, rest: int
) -> None:
    buffer = noise(size)
    slices = data.draw(slices_of(size))
    gaps = data.draw(st.lists(st.integers(0, 20), min_size=len(slices), max_size=len(slices)))

    found = gathered(buffer, slices, gaps, rest)

    assert found == [buffer[at : at + length].tobytes() for at, length in slices]


def test_more_slices_than_one_batch_holds() -> None:
    buffer = noise(1 << 20)
    count = 2 * gathering._BATCH + 17
    slices = [(at * 97 % (buffer.size - 200), 1 + at % 200) for at in range(count)]

    found = gathered(buffer, slices, [9] * count)

    assert found == [buffer[at : at + length].tobytes() for at, length in slices]


def test_a_slice_longer_than_any_item_lies_between_short_ones() -> None:
    buffer = noise(1 << 20)
    long = 1 << 18
    slices = [(5, 7), (100, LONGEST_ITEM), (200, LONGEST_ITEM + 1), (300, long), (9, 1), (0, 0)]

    for turn in range(len(slices)):
        rolled = slices[turn:] + slices[:turn]
        found = gathered(buffer, rolled, [9] * len(slices))
        assert found == [buffer[at : at + length].tobytes() for at, length in rolled]


def test_nothing_is_read_behind_the_end_of_the_buffer() -> None:
    """A buffer may be a part of a larger one, with another chunk's bytes behind it."""
    around = noise(5000)
    buffer = around[1000:1300]
    slices = [(0, 300), (299, 1), (290, 10), (0, 10)]

    found = gathered(buffer, slices, [0] * 4)

    assert found == [buffer[at : at + length].tobytes() for at, length in slices]
    small = gathered(around[:4], [(3, 1), (0, 2), (0, 4)], [0, 1, 2])
    assert small == [around[3:4].tobytes(), around[:2].tobytes(), around[:4].tobytes()]


def test_no_slices_make_an_empty_buffer() -> None:
    none = np.zeros(0, np.int64)

    assert gather_slices(noise(10), none, none, none, 0).size == 0
    assert gather_slices(np.zeros(0, np.uint8), none, none, none, 0).size == 0


def test_what_was_gathered_is_a_memory_of_its_own() -> None:
    buffer = noise(1000)
    before = buffer.tobytes()
    at = np.arange(0, 1000, 100)

    found = gather_slices(buffer, at, np.full(10, 50), np.arange(10) * 59 + 9, 590)
    found[:] = 0

    assert buffer.tobytes() == before


@settings(max_examples=100, deadline=None)
@given(data=st.data(), count=st.integers(0, 200), room=st.integers(0, 3000))
def test_slices_in_order_move_to_the_front_of_their_own_buffer_or_stay(
    data: st.DataObject, count: int, room: int
) -> None:
    lengths = data.draw(st.lists(st.integers(0, 1500), min_size=count, max_size=count))
    length = np.array(lengths, np.int64)
    gaps = np.array(data.draw(st.lists(st.integers(9, 60), min_size=count, max_size=count)), int)
    offset = room + np.cumsum(length + gaps) - length
    target = np.cumsum(length + 9) - length
    size = int(target[-1] + length[-1]) if count else 0
    buffer = noise(room + int((length + gaps).sum()) + data.draw(st.integers(0, 2000)))
    before = buffer.copy()

    found = gather_in_place(buffer, offset, length, target, size)

    if found is None:
        assert (buffer == before).all()
        return
    assert found.base is buffer
    for at, place, much in zip(offset.tolist(), target.tolist(), lengths, strict=True):
        assert (found[place : place + much] == before[at : at + much]).all()


def test_slices_behind_a_free_stretch_always_move_in_place() -> None:
    count, size = 5000, 1100
    room = 1 << 18
    offset = room + 20 + np.arange(count) * (size + 20)
    length = np.full(count, size)
    buffer = noise(room + count * (size + 20) + size)
    before = buffer.copy()
    target = 9 + np.arange(count) * (size + 9)

    found = gather_in_place(buffer, offset, length, target, int(target[-1]) + size)

    assert found is not None
    for row in (0, 63, 64, 65, 2500, count - 1):
        place, at = int(target[row]), int(offset[row])
        assert (found[place : place + size] == before[at : at + size]).all()


def test_slices_out_of_order_are_not_moved_over_each_other() -> None:
    buffer = noise(400_000)
    before = buffer.copy()
    offset = np.arange(200)[::-1] * 1500 + 5000
    length = np.full(200, 1200)
    target = np.arange(200) * 1209

    assert gather_in_place(buffer, offset, length, target, 200 * 1209) is None
    assert (buffer == before).all()
