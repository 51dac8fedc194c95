"""Bytes of single elements, against the examples and limits of RFC 8794."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isotrack.matroska import ebml

VOID = 0xEC
TITLE = 0x7BA9


@pytest.mark.parametrize(
    ("value", "width", "written"),
    [
        (0, 0, "80"),
        (1, 0, "81"),
        (126, 0, "fe"),
        (127, 0, "407f"),  # ff would say "unknown"
        (2, 2, "4002"),
        (2, 4, "10000002"),
        (2, 8, "0100000000000002"),
        ((1 << 14) - 2, 0, "7ffe"),
        ((1 << 14) - 1, 0, "203fff"),
        ((1 << 56) - 2, 0, "01fffffffffffffe"),
    ],
)
def test_a_size_is_written_in_the_width_asked_for_or_the_fewest_bytes(
    value: int, width: int, written: str
) -> None:
    assert ebml.size(value, width).hex() == written


@pytest.mark.parametrize(("value", "width"), [(-1, 0), (127, 1), (1 << 28, 4), ((1 << 56) - 1, 0)])
def test_a_size_that_does_not_fit_is_refused(value: int, width: int) -> None:
    with pytest.raises(ValueError, match=str(value)):
        ebml.size(value, width)


def test_an_unknown_size_is_all_ones() -> None:
    assert ebml.UNKNOWN_SIZE.hex() == "01ffffffffffffff"


def test_ids_are_written_with_their_length_marker() -> None:
    assert [ebml.id_bytes(i).hex() for i in (0xA3, 0x4286, 0x2AD7B1, 0x1A45DFA3)] == [
        "a3", "4286", "2ad7b1", "1a45dfa3",
    ]  # fmt: skip


@settings(deadline=None)
@given(st.integers(0, (1 << 64) - 1))
def test_an_unsigned_integer_takes_the_fewest_bytes(value: int) -> None:
    element = ebml.unsigned(TITLE, value)
    payload = element[3:]
    assert element[2] == 0x80 | len(payload)
    assert int.from_bytes(payload, "big") == value
    assert len(payload) == 1 or payload[0] != 0


def test_an_unsigned_integer_of_fixed_width_is_padded_in_front() -> None:
    assert ebml.unsigned(0xE7, 258, 8).hex() == "e7880000000000000102"
    with pytest.raises(ValueError, match="300"):
        ebml.unsigned(0xE7, 300, 1)
    with pytest.raises(ValueError, match="-5"):
        ebml.unsigned(0xE7, -5)
    with pytest.raises(ValueError, match=str(1 << 64)):
        ebml.unsigned(0xE7, 1 << 64)


def test_a_float_has_eight_bytes() -> None:
    assert ebml.float64(0x4489, 1.5).hex() == "4489883ff8000000000000"


def test_a_date_counts_from_2001() -> None:
    assert ebml.date(0x4461, ebml.UNIX_TIME_OF_2001_NS).hex() == "4461880000000000000000"
    assert ebml.date(0x4461, ebml.UNIX_TIME_OF_2001_NS - 1).hex() == "446188ffffffffffffffff"


def test_strings_are_ascii_and_titles_are_unicode() -> None:
    assert ebml.string(0x86, "V_VP8").hex() == "8685" + b"V_VP8".hex()
    assert ebml.utf8(TITLE, "é").hex() == "7ba982c3a9"
    for wrong in ("é", "a\nb"):
        with pytest.raises(ValueError, match="ASCII"):
            ebml.string(0x86, wrong)
    for wrong in ("a\0b", "\ud800"):
        with pytest.raises(ValueError, match=r"NUL|surrogates"):
            ebml.utf8(TITLE, wrong)


def test_a_master_holds_its_children_in_order() -> None:
    children = ebml.unsigned(0xD7, 1), ebml.unsigned(0x83, 2)
    assert ebml.master(0xAE, *children).hex() == "ae86" + "d78101" + "838102"


@settings(deadline=None)
@given(st.integers(2, 5000))
def test_a_void_takes_just_the_room_it_is_given(total: int) -> None:
    void = ebml.void(total)
    assert len(void) == total
    width = 1 if void[1] & 0x80 else 8
    assert int.from_bytes(void[1 : 1 + width], "big") == (total - 1 - width) | 1 << 7 * width
    assert not any(void[1 + width :])


def test_a_void_of_one_byte_cannot_be() -> None:
    with pytest.raises(ValueError, match="not 1"):
        ebml.void(1)
