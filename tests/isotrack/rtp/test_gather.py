import numpy as np
import pytest

from isotrack.rtp.gather import gather

BUFFER = np.arange(10, dtype=np.uint8)


def test_every_offset_gives_a_row() -> None:
    rows = gather(BUFFER, np.array([6, 0, 1]), 4)
    assert rows.tolist() == [[6, 7, 8, 9], [0, 1, 2, 3], [1, 2, 3, 4]]


def test_rows_are_copies() -> None:
    rows = gather(BUFFER, np.array([0]), 2)
    rows[:] = 0xFF
    assert BUFFER.tolist() == list(range(10))


@pytest.mark.parametrize(("size", "offset"), [(10, 7), (3, 0), (0, 0)])
def test_a_run_that_leaves_the_buffer_is_refused(size: int, offset: int) -> None:
    with pytest.raises(IndexError):
        gather(BUFFER[:size], np.array([offset]), 4)


def test_no_offsets_give_no_rows_even_of_an_empty_buffer() -> None:
    assert gather(BUFFER[:0], np.zeros(0, np.int64), 12).shape == (0, 12)
