"""How a camera is held, as packets tell it: edge cases 35 and 36."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from isotrack.media.orientation import UPRIGHT, Rotations
from isotrack.media.reader import TrackReader
from isotrack.media.repair import RepairFormat
from isotrack.media.track_format import TrackFormat
from isotrack.rtp.header import write_header
from isotrack.rtp.rtx_pairing import RtxFormat
from tests.sessions import START_US, VP8, Datagram, chunked, vp8_frame, vp8_payloads
from tests.turned_camera import EXTENSION_ID, EXTENSIONS

PHONE = VP8._replace(header_extensions=EXTENSIONS)
REPAIR = RepairFormat((96,), (1234,), rtx=(RtxFormat(97, 96, 4321, 1234),))


def packet(
    number: int,
    payload: bytes,
    *,
    timestamp: int,
    marker: bool = True,
    orientation: int | None = None,
    payload_type: int = 96,
    ssrc: int = 1234,
    extensions: Mapping[int, bytes] | None = None,
) -> Datagram:
    found = dict(extensions or {})
    if orientation is not None:
        found[EXTENSION_ID] = bytes([orientation])
    header = write_header(payload_type, number & 0xFFFF, timestamp, ssrc, marker, found)
    return Datagram(START_US + 20_000 * number, header + payload)


def frames(*orientations: int | None, keyframes: Sequence[int] = (0,)) -> list[Datagram]:
    """A frame of two packets for each; the last one bears what is said."""
    sent = []
    for i, orientation in enumerate(orientations):
        first, last = vp8_payloads(vp8_frame(i in keyframes, bytes([i]) * 40), 2)
        at = 1000 + 3000 * i
        sent.append(packet(2 * i, first, timestamp=at, marker=False))
        sent.append(packet(2 * i + 1, last, timestamp=at, orientation=orientation))
    return sent


def rotations(form: TrackFormat, sent: Sequence[Datagram], *, size: int = 8192) -> list[int]:
    """Of each frame, by how much it is to be turned."""
    reader = TrackReader(form)
    found = [each for records in chunked(sent, size) for each in reader.push(records)]
    found += [each for i in range(len(reader.streams)) for each in reader.finish(i)]
    return [int(degrees) for each in found for degrees in each.frames.rotation]


@pytest.mark.parametrize("size", [1, 3, 8192])
def test_what_was_said_last_goes_on(size: int) -> None:
    """Edge case 35: a packet without the extension says nothing, and not that it is upright."""
    sent = frames(1, None, None, 3, None, 0, None, 2)
    assert rotations(PHONE, sent, size=size) == [90, 90, 90, 270, 270, 0, 0, 180]


def test_a_camera_is_upright_until_told_otherwise() -> None:
    assert rotations(PHONE, frames(None, None, 1)) == [0, 0, 90]


def test_which_camera_it_is_and_a_mirror_turn_nothing() -> None:
    """Edge case 35: C and F stand beside the rotation; no browser flips a picture for F."""
    assert rotations(PHONE, frames(0b1101, 0b0100, 0b1011)) == [90, 0, 270]


def test_an_extension_that_was_not_announced_is_not_read() -> None:
    assert rotations(VP8, frames(1, 1)) == [0, 0]


def test_an_element_of_another_length_says_nothing() -> None:
    sent = frames(1, None)
    parts = vp8_payloads(vp8_frame(False, b"x" * 40))
    sent.append(packet(4, parts[0], timestamp=7000, extensions={EXTENSION_ID: b"\2\2"}))
    assert rotations(PHONE, sent) == [90, 90, 90]


def test_a_frame_that_is_left_out_may_tell_how_the_next_are_held() -> None:
    sent = frames(0, 1, None, None, keyframes=(0, 3))
    del sent[2]  # the first packet of the second frame: it cannot be decoded, nor the third
    assert rotations(PHONE, sent) == [0, 90]


def test_a_packet_sent_again_brings_its_orientation_with_it() -> None:
    """Edge case 36: the extensions of an RTX packet belong to the packet it restores."""
    sent = frames(0, 1, None)
    _, payload = vp8_payloads(vp8_frame(False, b"\1" * 40), 2)
    sent[3] = packet(
        77,
        (3).to_bytes(2, "big") + payload,
        timestamp=4000,
        orientation=1,
        payload_type=97,
        ssrc=4321,
    )
    form = PHONE._replace(repair=REPAIR, ssrcs=(1234,))
    assert rotations(form, sorted(sent)) == [0, 90, 90]


def test_rotations_hold_from_their_time_on() -> None:
    said = Rotations(np.array([-(2**62), 100, 200]), np.array([90, 0, 270], np.int16))
    assert said.at(np.array([-5, 99, 100, 150, 200, 10**6])).tolist() == [90, 90, 0, 0, 270, 270]
    assert UPRIGHT.at(np.array([-(2**40), 0, 2**40])).tolist() == [0, 0, 0]
