from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.codecs.nal import NalBits, decode_sprop, nal_units, sized, split_annexb
from tests.nal import BitWriter, avcc

SPS, PPS, IDR = b"\x67sps", b"\x68pp", b"\x65\x88idr"


def test_a_byte_stream_is_split_at_its_start_codes() -> None:
    stream = b"\0\0\0\1" + SPS + b"\0\0\1" + PPS + b"\0\0\0\0\1" + IDR + b"\0\0"
    assert split_annexb(stream) == [SPS, PPS, IDR]
    assert split_annexb(b"") == []


def test_a_frame_is_walked_nal_unit_by_nal_unit() -> None:
    frame = avcc(SPS, PPS, IDR)
    assert [bytes(unit) for unit in nal_units(frame)] == [SPS, PPS, IDR]
    assert [bytes(unit) for unit in nal_units(frame[:-1])] == [SPS, PPS]
    assert [bytes(unit) for unit in nal_units(avcc(SPS) + bytes(4) + avcc(PPS))] == [SPS]
    assert list(nal_units(b"")) == []


@given(st.lists(st.integers(0, 2**32 - 2), max_size=20))
def test_exp_golomb_codes_are_read_as_written(values: list[int]) -> None:
    writer = BitWriter()
    writer.ue(*values)
    bits = NalBits(writer.nal(), "test")
    assert [bits.unsigned() for _ in values] == values


def test_signed_codes_alternate_around_zero() -> None:
    writer = BitWriter()
    writer.ue(0, 1, 2, 3, 4, 5)
    bits = NalBits(writer.nal(), "test")
    assert [bits.signed() for _ in range(6)] == [0, 1, -1, 2, -2, 3]


def test_emulation_prevention_is_no_part_of_what_is_read() -> None:
    bits = NalBits(b"\0\0\3\1\0\0\3\0\0\3\2\3", "test")
    assert bits.take(72).to_bytes(9, "big") == b"\0\0\1\0\0\0\0\2\3"


def test_what_is_not_there_is_not_read() -> None:
    with pytest.raises(ValueError, match="a thing is truncated after 1 bytes"):
        NalBits(b"\x80\x80", "a thing", limit=1).take(9)
    with pytest.raises(ValueError, match="thing is truncated"):
        NalBits(b"\0", "thing").unsigned()
    with pytest.raises(ValueError, match="thing holds an Exp-Golomb code over 32 bits"):
        NalBits(bytes(9), "thing").unsigned()


def test_lengths_in_configuration_records_have_two_bytes() -> None:
    assert sized(PPS) == b"\0\3" + PPS
    assert len(sized(bytes(0xFFFF))) == 0x10001
    for size in (0, 0x10000):
        with pytest.raises(ValueError, match=f"parameter set of {size} bytes"):
            sized(bytes(size))


def test_errors_of_signaling_name_its_parameter() -> None:
    assert decode_sprop("sprop-x", "QQ==,Qg==") == [b"A", b"B"]
    for value in ("QQ=", "QQ==,"):
        with pytest.raises(ValueError, match="sprop-x"):
            decode_sprop("sprop-x", value)
