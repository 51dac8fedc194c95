import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.codecs.av1_obu import (
    leb128,
    read_leb128,
    read_leb128s,
    split_unit,
    write_obu,
)
from tests.av1 import DELIMITER, FRAME, METADATA, obu


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "00"),
        (127, "7f"),
        (128, "8001"),
        (16_383, "ff7f"),
        (16_384, "808001"),
        ((1 << 56) - 1, "ff" * 7 + "7f"),
    ],
)
def test_leb128_is_as_short_as_can_be(value: int, written: str) -> None:
    """Edge case 138: 128 needs two bytes."""
    assert leb128(value).hex() == written
    assert read_leb128(bytes.fromhex(written) + b"rest") == (value, len(written) // 2)


@pytest.mark.parametrize("value", [-1, 1 << 56])
def test_what_leb128_cannot_say_is_not_written(value: int) -> None:
    with pytest.raises(ValueError, match="LEB128"):
        leb128(value)


@pytest.mark.parametrize("written", [b"", b"\x80", b"\xff" * 8 + b"\x01", b"\x80" * 9])
def test_a_number_without_end_has_no_bytes(written: bytes) -> None:
    assert read_leb128(written) == (0, 0)


@given(st.lists(st.binary(max_size=12), min_size=1, max_size=20))
def test_many_numbers_are_read_as_each_alone(written: list[bytes]) -> None:
    buffer = np.frombuffer(b"".join(written) + b"\x80", np.uint8)
    end = np.cumsum([len(each) for each in written])
    at = np.concatenate(([0], end[:-1]))
    value, width = read_leb128s(buffer, at, end)
    found = [(int(v) if w else 0, int(w)) for v, w in zip(value, width, strict=True)]
    assert found == [read_leb128(each) for each in written]


def test_the_obus_of_a_temporal_unit_are_told_apart() -> None:
    unit = (
        obu(DELIMITER, sized=True)
        + obu(METADATA, b"m" * 200, layer=(5, 2), sized=True)
        + obu(FRAME, b"up to the end")
    )
    delimiter, metadata, frame = split_unit(unit)
    assert (delimiter.kind, bytes(delimiter.payload)) == (DELIMITER, b"")
    assert metadata[:3] == (METADATA, 5, 2)
    assert write_obu(metadata.header, metadata.payload) == unit[2:206]
    assert (frame.kind, bytes(frame.payload)) == (FRAME, b"up to the end")
    assert write_obu(frame.header, frame.payload) == obu(FRAME, b"up to the end", sized=True)


@pytest.mark.parametrize(
    "rest", ["32ff", "3205aa", "32", "34", "36", "3608", "b200", "32" + "80" * 9]
)
def test_what_is_cut_short_or_malformed_ends_a_temporal_unit(rest: str) -> None:
    good = obu(FRAME, b"good", sized=True)
    kinds = [unit.kind for unit in split_unit(good + bytes.fromhex(rest))]
    assert kinds == [FRAME]


@given(st.binary(max_size=60))
def test_hostile_temporal_units_are_read_within_their_bytes(unit: bytes) -> None:
    assert sum(len(each.header) + len(each.payload) for each in split_unit(unit)) <= len(unit)
