import pytest

from isotrack.codecs.av1_frame import FrameHeader, parse_frame_header
from isotrack.codecs.av1_sequence import parse_sequence_header
from tests.av1 import INTER, INTRA_ONLY, KEY, SWITCH, inter_frame, key_frame, sequence_header
from tests.bits import BitWriter

PLAIN = parse_sequence_header(sequence_header(640, 360))
SLOTS = [(10 * n, n) for n in range(1, 9)]


def test_a_key_frame_has_the_size_of_the_sequence_or_its_own() -> None:
    assert parse_frame_header(key_frame(), PLAIN) == (KEY, False, True, 0xFF, (640, 360))
    assert parse_frame_header(key_frame((320, 179)), PLAIN).size == (320, 179)


def test_a_hidden_key_frame_says_which_slots_it_goes_into() -> None:
    header = parse_frame_header(key_frame((320, 180), shown=False), PLAIN)
    assert header == (KEY, False, False, 0xFF, (320, 180))


def test_a_frame_shown_again_has_nothing_of_its_own() -> None:
    assert parse_frame_header(b"\xc0", PLAIN) == FrameHeader(INTER, True, True, 0, None)


def test_an_inter_frame_can_take_its_size_from_a_reference() -> None:
    assert parse_frame_header(inter_frame(), PLAIN, slots=SLOTS).size == (640, 360)
    header = parse_frame_header(inter_frame((200, 100)), PLAIN, slots=SLOTS)
    assert (header.frame_type, header.refreshes, header.size) == (INTER, 0x80, (200, 100))
    for reference in range(7):
        frame = inter_frame(found_reference=reference)
        assert parse_frame_header(frame, PLAIN, slots=SLOTS).size == SLOTS[reference]
        assert parse_frame_header(frame, PLAIN).size is None


def test_frames_without_type_are_key_frames_where_all_are() -> None:
    sequence = parse_sequence_header(sequence_header(320, 240, reduced=True))
    assert parse_frame_header(b"\xff\xff", sequence) == (KEY, False, True, 0xFF, (320, 240))


def test_an_intra_only_frame_goes_into_some_slots() -> None:
    bits = BitWriter().put(0).put(INTRA_ONLY, 2).put(1).put(0).put(0).put(0).put(1)
    frame = bits.put(0x0F, 8).put(99, 12).put(49, 11).to_bytes()
    assert parse_frame_header(frame, PLAIN) == (INTRA_ONLY, False, True, 0x0F, (100, 50))


def test_a_switch_frame_always_has_a_size_of_its_own() -> None:
    sequence = parse_sequence_header(sequence_header(order_hints=3, frame_ids=True))
    bits = BitWriter().put(0).put(SWITCH, 2).put(1).put(0).put(1).put(0)  # tools, any motion
    bits.put(0x55, 7).put(5, 3).put(0, 24).put(0)  # id, order, of the slots, no short signaling
    for slot in range(7):
        bits.put(slot, 3).put(9, 5)
    frame = bits.put(63, 12).put(47, 11).to_bytes()
    assert parse_frame_header(frame, sequence, slots=SLOTS).size == (64, 48)


def test_references_found_by_their_order_are_not_followed() -> None:
    sequence = parse_sequence_header(sequence_header(order_hints=3))
    bits = BitWriter().put(0).put(INTER, 2).put(1).put(0).put(0).put(0).put(1)
    frame = bits.put(5, 3).put(0, 3).put(0, 8).put(1).to_bytes()
    assert parse_frame_header(frame, sequence, slots=SLOTS).size is None


def test_times_before_the_size_are_stepped_over() -> None:
    timing = BitWriter().put(1, 32).put(30, 32).put(0)
    timing.put(1).put(10, 5).put(1, 32).put(8, 5).put(12, 5)
    points = ((0x101, 5, 0), (0x302, 5, 0))
    sequence = parse_sequence_header(sequence_header(timing=timing, points=points, models=True))
    bits = BitWriter().put(0).put(KEY, 2).put(1).put(77, 13).put(0).put(0).put(1)
    bits.put(1).put(300, 9)  # of the one operating point that this layer is in
    frame = bits.put(99, 12).put(49, 11).to_bytes()
    assert parse_frame_header(frame, sequence, (1, 1)).size == (100, 50)


def test_a_truncated_frame_header_is_none() -> None:
    frame = key_frame((320, 180))
    for end in range(3):
        with pytest.raises(ValueError, match="AV1 frame header is truncated"):
            parse_frame_header(frame[:end], PLAIN)
