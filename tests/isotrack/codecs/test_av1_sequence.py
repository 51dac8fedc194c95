import pytest

from isotrack.codecs.av1_sequence import (
    SELECT,
    decoder_configuration,
    parse_sequence_header,
)
from tests.av1 import obu, sequence_header
from tests.bits import BitWriter

HEADER = b"\x08"
CHROMIUM = bytes.fromhex("0000000cc4ff67006802")


def timing(*, equal: bool) -> BitWriter:
    """timing_info and decoder_model_info: 11, 9 and 13 bits of times."""
    bits = BitWriter().put(1, 32).put(30, 32).put(equal)
    if equal:
        bits.put(0, 2).put(1).put(2, 2)  # num_ticks_per_picture_minus_1 = 5, uvlc()
    return bits.put(1).put(10, 5).put(1, 32).put(8, 5).put(12, 5)


def test_the_sequence_header_of_a_browser_is_read() -> None:
    sequence = parse_sequence_header(CHROMIUM)
    assert (sequence.max_width, sequence.max_height) == (640, 360)
    assert (sequence.profile, sequence.operating_points[0].level) == (0, 1)
    assert sequence.color == (False, False, False, True, True, 0)
    assert sequence.color.bit_depth == 8
    assert not sequence.reduced_still_picture


def test_av1c_holds_the_sequence_header_with_its_size() -> None:
    configuration = decoder_configuration(HEADER, CHROMIUM)
    assert configuration.hex() == "81010c00" + "0a0a" + CHROMIUM.hex()


@pytest.mark.parametrize(
    ("color", "profile", "flags", "depth"),
    [
        (BitWriter().put(0).put(0).put(0).put(0).put(2, 2), 0, 0b0_0_0_0_11_10, 8),
        (BitWriter().put(1).put(1).put(0).put(0), 0, 0b0_1_0_1_11_00, 10),
        (BitWriter().put(0).put(0).put(1), 1, 0b0_0_0_0_00_00, 8),
        (BitWriter().put(1).put(0).put(0).put(0).put(0), 2, 0b0_1_0_0_10_00, 10),
        (BitWriter().put(1).put(1).put(0).put(0).put(0).put(1).put(1).put(1, 2), 2, 0x6D, 12),
        (BitWriter().put(1).put(1).put(0).put(0).put(0).put(0), 2, 0b0_1_1_0_00_00, 12),
        (BitWriter().put(0).put(1).put(1, 8).put(13, 8).put(0, 8), 1, 0, 8),
        (
            BitWriter().put(0).put(0).put(1).put(9, 8).put(16, 8).put(9, 8).put(1).put(1, 2),
            0,
            13,
            8,
        ),
    ],
    ids=["4:2:0", "gray", "4:4:4", "4:2:2", "12 bit 4:2:0", "12 bit 4:4:4", "RGB", "BT.2020"],
)
def test_colors_are_told_by_the_configuration(
    color: BitWriter, profile: int, flags: int, depth: int
) -> None:
    payload = sequence_header(profile=profile, color=color)
    configuration = decoder_configuration(HEADER, payload)
    assert configuration[:4] == bytes((0x81, profile << 5 | 5, flags, 0))
    assert parse_sequence_header(payload).color.bit_depth == depth


def test_the_first_operating_point_gives_level_and_tier() -> None:
    payload = sequence_header(points=((0x303, 9, 1), (0x101, 4, 0)))
    first, second = parse_sequence_header(payload).operating_points
    assert (first.idc, first.level, first.tier) == (0x303, 9, 1)
    assert (second.idc, second.level, second.tier) == (0x101, 4, 0)
    assert decoder_configuration(HEADER, payload)[1:3] == bytes((9, 0b1_0_0_0_11_00))


def test_a_reduced_header_says_less() -> None:
    sequence = parse_sequence_header(sequence_header(321, 123, reduced=True, level=8))
    assert sequence.reduced_still_picture
    assert (sequence.max_width, sequence.max_height) == (321, 123)
    assert sequence.operating_points == ((0, 8, 0, False),)
    assert (sequence.force_screen_content_tools, sequence.force_integer_mv) == (SELECT, SELECT)


@pytest.mark.parametrize("equal", [True, False])
@pytest.mark.parametrize("models", [True, False])
def test_times_are_stepped_over(equal: bool, models: bool) -> None:
    points = ((0x101, 5, 0), (0x102, 9, 1))
    sequence = parse_sequence_header(
        sequence_header(timing=timing(equal=equal), points=points, models=models)
    )
    assert sequence.timing == (True, 11, 9, 0 if equal else 13)
    assert sequence.operating_points == tuple((*point, models) for point in points)
    assert (sequence.max_width, sequence.max_height) == (640, 360)


def test_what_frame_headers_depend_on_is_told() -> None:
    sequence = parse_sequence_header(
        sequence_header(frame_ids=True, order_hints=7, screen_content=0)
    )
    assert (sequence.delta_frame_id_bits, sequence.frame_id_bits) == (5, 7)
    assert sequence.order_hint_bits == 7
    assert (sequence.force_screen_content_tools, sequence.force_integer_mv) == (0, SELECT)
    assert parse_sequence_header(sequence_header(screen_content=1)).force_screen_content_tools == 1


def test_a_truncated_sequence_header_is_none() -> None:
    for end in range(len(CHROMIUM) - 1):
        with pytest.raises(ValueError, match="AV1 sequence header is truncated"):
            parse_sequence_header(CHROMIUM[:end])
    with pytest.raises(ValueError, match="unknown profile 3"):
        parse_sequence_header(sequence_header(profile=3))
    endless = BitWriter().put(0, 5).put(1).put(0, 64).put(1).to_bytes() + bytes(10_000)
    with pytest.raises(ValueError, match="truncated after 1024 bytes"):
        parse_sequence_header(endless)


def test_obus_are_written_as_the_tests_write_them() -> None:
    assert decoder_configuration(HEADER, CHROMIUM)[4:] == obu(1, CHROMIUM, sized=True)
