import pytest

from isotrack.rtp.header import write_header


def test_a_header_without_extensions_is_twelve_bytes() -> None:
    header = write_header(96, 0x5E04, 0x65431278, 0x12345678, True)
    assert header.hex() == "80e05e046543127812345678"


def test_short_extensions_take_the_one_byte_form() -> None:
    header = write_header(100, 1, 2, 3, False, {1: b"\0\x56\xce", 9: b"\xda"})
    assert header[0] == 0x90
    assert header[12:].hex() == "bede0002120056ce90da0000"


@pytest.mark.parametrize("extensions", [{15: b"x"}, {1: b""}, {1: b"x" * 17}, {240: b"x"}])
def test_other_extensions_take_the_two_byte_form(extensions: dict[int, bytes]) -> None:
    header = write_header(100, 1, 2, 3, False, {2: b"y", **extensions})
    assert header[12:14] == b"\x10\x00"
    assert header[16:19] == b"\x02\x01y"
    assert len(header) == 16 + 4 * int.from_bytes(header[14:16], "big")


@pytest.mark.parametrize(
    ("payload_type", "sequence_number", "timestamp", "ssrc"),
    [(128, 0, 0, 0), (-1, 0, 0, 0), (0, 65536, 0, 0), (0, 0, 1 << 32, 0), (0, 0, 0, -1)],
)
def test_a_field_out_of_range_is_refused(
    payload_type: int, sequence_number: int, timestamp: int, ssrc: int
) -> None:
    with pytest.raises(ValueError, match="RTP"):
        write_header(payload_type, sequence_number, timestamp, ssrc, False)


@pytest.mark.parametrize("extensions", [{0: b"x"}, {256: b"x"}, {1: b"x" * 256}])
def test_an_extension_that_fits_no_form_is_refused(extensions: dict[int, bytes]) -> None:
    with pytest.raises(ValueError, match="fits no form"):
        write_header(96, 0, 0, 0, False, extensions)
