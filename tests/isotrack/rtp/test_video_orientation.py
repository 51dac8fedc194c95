from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from isotrack.rtp.extensions import element
from isotrack.rtp.header import write_header
from isotrack.rtp.packet import Packets
from isotrack.rtp.rtx import restore
from isotrack.rtp.video_orientation import ABSENT, read_rotations
from tests.packets import packets_of

CVO, MID = 4, 9
MEDIA, AGAIN = (96, 7), (97, 8)  # payload type and SSRC


def rotations(packets: Packets) -> list[int]:
    return read_rotations(packets.buffer, *element(packets, CVO)).tolist()


def packets(values: Sequence[bytes | None]) -> Packets:
    extensions = [{} if value is None else {CVO: value} for value in values]
    return packets_of(
        [write_header(96, n, 0, 7, False, each) + b"x" for n, each in enumerate(extensions)]
    )


def test_two_bits_tell_how_far_the_picture_is_to_be_turned_clockwise() -> None:
    """Edge case 35."""
    assert rotations(packets([bytes((r,)) for r in range(4)])) == [0, 90, 180, 270]


@pytest.mark.parametrize("other", [0x04, 0x08, 0x0C, 0xF0])
def test_camera_mirroring_and_what_is_reserved_turn_nothing(other: int) -> None:
    """Edge case 35: 0000CFRR."""
    assert rotations(packets([bytes((other | r,)) for r in range(4)])) == [0, 90, 180, 270]


def test_a_packet_that_says_nothing_does_not_say_upright() -> None:
    """Edge case 35: it is on the last packet of a keyframe, and goes on after it."""
    assert rotations(packets([None, None, b"\x01", None, b"\x00"])) == [
        ABSENT,
        ABSENT,
        90,
        ABSENT,
        0,
    ]


@pytest.mark.parametrize("size", [2, 3, 16])
def test_an_element_of_another_size_says_nothing(size: int) -> None:
    """Edge case 33."""
    assert rotations(packets([b"\x01" * size])) == [ABSENT]


def test_a_packet_sent_again_brings_its_orientation_along() -> None:
    """Edge cases 36 and 37: what it says of itself, mid and all, is said of the restored packet."""
    said = {CVO: b"\x03", MID: b"0"}
    sent_again = write_header(AGAIN[0], 1, 0, AGAIN[1], True, said) + b"\x00\x2a" + b"media"

    found = restore(packets_of([sent_again]), {AGAIN: MEDIA})

    assert (found.sequence_number.tolist(), found.ssrc.tolist()) == ([42], [MEDIA[1]])
    assert rotations(found) == [270]
    at, size = element(found, MID)
    assert found.buffer[at[0] : at[0] + size[0]].tobytes() == b"0"


def test_an_id_means_what_its_own_track_says() -> None:
    """Edge case 38: id 3 is an orientation in one log, and a mid in another."""
    found = packets_of([write_header(96, 1, 0, 7, True, {3: b"\x01", CVO: b"1"}) + b"x"])

    assert read_rotations(found.buffer, *element(found, 3)).tolist() == [90]


def test_no_packets_say_nothing() -> None:
    nothing = np.zeros(0, np.int64)
    assert read_rotations(np.zeros(0, np.uint8), nothing, nothing).size == 0
