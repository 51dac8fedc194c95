from __future__ import annotations

import pytest

from isotrack.codecs.h264_pictures import carries_picture
from tests.packets import packetized, packets_of

SPS, PPS, SEI, AUD = b"\x67\x42", b"\x68\xcb", b"\x06\x05", b"\x09\x30"
IDR, DELTA = b"\x65\x88", b"\x41\x9a"


def stap(*units: bytes) -> bytes:
    return b"\x78" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)


@pytest.mark.parametrize("payload", [IDR, DELTA, b"\x02\x80", b"\x03\x80", b"\x04\x80"])
def test_slices_and_data_partitions_are_pictures(payload: bytes) -> None:
    assert carries_picture(packets_of(packetized([[payload]]))).tolist() == [True]


@pytest.mark.parametrize("payload", [SPS, PPS, SEI, AUD, b"\x0a\x00", b"\x0c\xff", b"\x7e\x00"])
def test_what_pictures_need_is_none(payload: bytes) -> None:
    assert carries_picture(packets_of(packetized([[payload]]))).tolist() == [False]


def test_fragments_are_what_they_are_fragments_of() -> None:
    packets = packets_of(
        packetized([[b"\x7c\x85ab", b"\x7c\x05cd", b"\x7c\x45ef"], [b"\x7c\x87x"]])
    )

    assert carries_picture(packets).tolist() == [True, True, True, False]


def test_aggregates_are_looked_through_to_their_end() -> None:
    packets = packets_of(packetized([[stap(SPS, PPS)], [stap(SPS, PPS, SEI, IDR)], [stap(DELTA)]]))

    assert carries_picture(packets).tolist() == [False, True, True]


@pytest.mark.parametrize(
    "payload",
    [b"\x78", b"\x78\x00", b"\x78\x00\x09\x67", b"\x78\x00\x00\x00\x00", b"\x7c", b"\x65"],
)
def test_damaged_packets_carry_nothing_and_break_nothing(payload: bytes) -> None:
    packets = packets_of(packetized([[payload], [IDR]]))

    assert carries_picture(packets).tolist() == [False, True]


@pytest.mark.parametrize("kind", [25, 26, 27, 29])
def test_packets_that_cannot_be_looked_into_may_be_pictures(kind: int) -> None:
    """So they count as a frame left out, and spoil none but it (edge case 114)."""
    packets = packets_of(packetized([[bytes((0x60 | kind,)) + b"unit"], [SPS]]))

    assert carries_picture(packets).tolist() == [True, False]


def test_padding_carries_nothing() -> None:
    assert carries_picture(packets_of(packetized([[b""], [DELTA]]))).tolist() == [False, True]
