import pytest

from isotrack.codecs import av1
from tests.av1 import (
    N,
    Y,
    Z,
    aggregate,
    depacketized,
    is_sound,
    sized,
)
from tests.frames import join_frames

SMALL, SECOND, LONG = b"\x30\x40small", b"\x30\x41 second one", b"\x30\x42" + bytes(range(250)) * 2


def test_elements_are_told_apart_by_all_forms_of_the_aggregation_header() -> None:
    """Edge case 128: W from 0 to 3."""
    units = [SMALL, LONG, SECOND]
    for count in (1, 2, 3):
        packets, media = depacketized(aggregate(*units[:count]))
        assert join_frames(packets, media) == [sized(*units[:count])]
        assert media.head.all()
        assert not media.broken.any()
    packets, media = depacketized(aggregate(*units * 4, counted=False))
    assert join_frames(packets, media) == [sized(*units * 4)]


def test_empty_elements_and_zeros_at_the_end_are_skipped() -> None:
    """Edge case 131."""
    packets, media = depacketized(
        aggregate(b"", SMALL, b"", SECOND, *[b""] * 700, counted=False),
        aggregate(SMALL, b""),
    )
    assert join_frames(packets, media) == [sized(SMALL, SECOND, SMALL)]
    assert not media.broken.any()


def test_a_fragment_of_nothing_is_dropped_and_what_follows_is_kept() -> None:
    """Edge case 132."""
    packets, media = depacketized(aggregate(b"tail", SMALL, flags=Z), aggregate(SECOND))
    assert join_frames(packets, media) == [sized(SMALL, SECOND)]
    assert media.broken.tolist() == [True, False]
    assert media.head.tolist() == [False, True]


def test_an_obu_that_is_not_continued_is_dropped() -> None:
    """Edge case 133."""
    packets, media = depacketized(aggregate(SECOND, LONG[:80], flags=Y), aggregate(SMALL))
    assert join_frames(packets, media) == [sized(SECOND, SMALL)]
    assert media.broken.tolist() == [True, False]


def test_a_new_sequence_ends_an_open_obu() -> None:
    """Edge case 134."""
    packets, media = depacketized(aggregate(LONG[:80], flags=Y), aggregate(SMALL, flags=N))
    assert join_frames(packets, media) == [sized(SMALL)]
    assert media.broken.tolist() == [True, False]


def test_a_new_sequence_cannot_begin_with_a_fragment() -> None:
    """Edge case 135."""
    packets, media = depacketized(
        aggregate(LONG[:80], flags=Y), aggregate(LONG[80:], flags=Z | N), aggregate(SMALL)
    )
    assert join_frames(packets, media) == [sized(SMALL)]
    assert media.broken.tolist() == [True, True, False]
    assert media.head.tolist() == [True, False, True]


def test_an_aggregation_header_can_stand_alone() -> None:
    """Edge case 136."""
    packets, media = depacketized(b"\x00", aggregate(SMALL), b"\x10")
    assert join_frames(packets, media) == [sized(SMALL)]
    assert not media.broken.any()
    packets, media = depacketized(
        aggregate(LONG[:80], flags=Y), bytes((Z | Y,)), aggregate(LONG[80:], flags=Z)
    )
    assert join_frames(packets, media) == [sized(LONG)]
    assert not media.broken.any()


@pytest.mark.parametrize("length", [b"\x80", b"\x80" * 8, b"\x80" * 8 + b"\x01", b"\xff" * 7, b"d"])
def test_a_length_without_end_or_past_the_end_breaks_its_packet(length: bytes) -> None:
    """Edge case 138: an unterminated LEB128, one of nine bytes, and more than there is."""
    good = aggregate(SMALL, counted=False)
    packets, media = depacketized(good + length + b"abc"[: 0 if len(length) == 1 else 3])
    assert join_frames(packets, media) == [sized(SMALL)]
    assert media.broken.all()


def test_a_packet_of_countless_elements_is_broken() -> None:
    packets, media = depacketized(b"\x00" + b"\x01\x30" * 3000, aggregate(SMALL))
    assert media.broken.tolist() == [True, False]
    assert is_sound(packets, media)


def test_a_lost_fragment_breaks_its_obu_and_no_other() -> None:
    payloads = av1.packetize(sized(SMALL, LONG, SECOND), 120)
    assert len(payloads) > 3
    for lost in range(len(payloads)):
        packets, media = depacketized(*payloads, lost=[lost])
        assert is_sound(packets, media)
        assert media.broken.all()
        kept = [] if lost == 0 else [SMALL]
        kept += [] if lost == len(payloads) - 1 else [SECOND]
        assert join_frames(packets, media) == [sized(*kept)]


def test_a_temporal_unit_that_ends_in_the_middle_of_an_obu_is_broken() -> None:
    """Edge case 63: Y says that more was to come, even if nothing follows at all."""
    payloads = av1.packetize(sized(LONG), 120)
    packets, media = depacketized(*payloads[:-1])
    assert media.broken.all()
    assert join_frames(packets, media) == [b""]


def test_fragments_of_two_timestamps_are_never_joined() -> None:
    frames = [[aggregate(LONG[:80], flags=Y)], [aggregate(LONG[80:], flags=Z)]]
    packets, media = depacketized(frames=frames)
    assert media.broken.all()
    assert media.slice_packet.size == 0
    assert is_sound(packets, media)


def test_packets_without_payload_do_not_part_fragments() -> None:
    cut = av1.packetize(sized(LONG), 200)
    packets, media = depacketized(cut[0], b"", *cut[1:], b"")
    assert join_frames(packets, media) == [sized(LONG)]
    assert not media.broken.any()
