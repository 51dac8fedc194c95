"""Nearly all packets come in order, whole and alike: what is quick for those changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from isotrack.codecs import h264, h265, nal_payloads, vp8
from isotrack.codecs.vp9_packetizer import packetize as packetize_vp9
from isotrack.media import assembly, ordering
from isotrack.media.numbering import Numbering
from isotrack.media.track_format import TrackFormat
from tests.frames import encode_video
from tests.sessions import START_US, Datagram, Reading, Sender, opus_packet, read_track

FRAMES = 40
SHORTCUTS: dict[str, tuple[object, str, object]] = {
    "all packets come next": (Numbering, "follow", None),
    "the last unit alone stays": (ordering, "_last_unit", 0),
    "all units are complete": (assembly, "_is_complete", False),
    "all NAL units are whole": (nal_payloads, "tidy", None),
    "all descriptors are alike": (vp8, "_all_alike", None),
}
"""What each of them takes for granted, where it is, and what it answers if that is not so."""


@contextmanager
def without(*names: str) -> Iterator[None]:
    """Nothing of this is ever taken for granted."""
    with ExitStack() as stack:
        for place, attribute, absent in map(SHORTCUTS.__getitem__, names):
            stack.enter_context(mock.patch.object(place, attribute, lambda *_, no=absent: no))
        yield


@contextmanager
def watched(name: str) -> Iterator[list[bool]]:
    """Whether each time it is asked it is so."""
    place, attribute, absent = SHORTCUTS[name]
    asked: Callable[..., object] = getattr(place, attribute)
    answers: list[bool] = []

    def ask(*arguments: object) -> object:
        answer = asked(*arguments)
        answers.append(isinstance(answer, tuple) or answer != absent)
        return answer

    with mock.patch.object(place, attribute, ask):
        yield answers


@cache
def payloads(codec: str) -> list[list[bytes]]:
    """The payloads of each frame of a short video, keyframes in it."""
    encoders = {"vp8": "libvpx", "vp9": "libvpx-vp9", "h264": "libx264", "h265": "libx265"}
    packetizers: dict[str, Callable[[bytes, int], list[bytes]]] = {
        "vp8": lambda frame, number: vp8.packetize(frame, number, 400),
        "vp9": lambda frame, number: packetize_vp9(frame, number, 400),
        "h264": lambda frame, _: h264.packetize(h264.split_annexb(frame), 400),
        "h265": lambda frame, _: h265.packetize(h265.split_annexb(frame), 400),
    }
    options = {"g": "15", "x265-params": "log-level=none", "bf": "0", "lag-in-frames": "0"}
    frames = encode_video(encoders[codec], FRAMES, width=160, height=96, options=options)
    return [packetizers[codec](frame, 32_750 + i) for i, frame in enumerate(frames)]


def sent(codec: str) -> list[Datagram]:
    """A call of one track."""
    if codec == "opus":
        sender = Sender(payload_type=111)
        for i in range(8 * FRAMES):
            sender.send(2**32 - 9600 + 960 * i, opus_packet(i), arrival_us=START_US + 20_000 * i)
        return sender.sent
    sender = Sender()
    for i, parts in enumerate(payloads(codec)):
        sender.send(2**32 - 9000 + 18_000 * i, *parts, arrival_us=START_US + 200_000 * i)
    return sender.sent


def disturbed(datagrams: Sequence[Datagram], seed: int, often: float) -> list[Datagram]:
    """The same as a bad network, or a bad sender, leaves them."""
    random = np.random.default_rng(seed)
    came: list[Datagram] = []
    for each in datagrams:
        fate = int(random.integers(7)) if random.random() < often else None
        data = bytearray(each.data)
        if fate == 0:
            continue
        if fate == 1:
            came.append(each)
        elif fate == 2:
            came.insert(max(len(came) - int(random.integers(1, 6)), 0), each)
            continue
        elif fate == 3:
            data[1] ^= 0x80  # the marker
        elif fate == 4:
            data[12 + int(random.integers(min(4, len(data) - 12)))] ^= int(random.integers(1, 256))
        elif fate == 5:
            data = data[: int(random.integers(12, 16))]
        elif fate == 6:
            data[7] ^= 1  # the timestamp
        came.append(each._replace(data=bytes(data)))
    return came


def form_of(codec: str) -> TrackFormat:
    if codec == "opus":
        return TrackFormat("opus", (111,), 48_000, 2)
    return TrackFormat(codec, (96,), 90_000)


def told(reading: Reading) -> tuple[object, ...]:
    sizes = [each.assembler.sizes for each in reading.reader.streams]
    sets = [each.assembler.configuration for each in reading.reader.streams]
    return reading.frames, reading.reader.counts(), sizes, sets


@pytest.mark.parametrize("codec", ["vp8", "vp9", "h264", "h265", "opus"])
@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    often=st.sampled_from([0.0, 0.003, 0.02, 0.1]),
    size=st.integers(5, 300),
)
@example(seed=260, often=0.1, size=5)  # VP9: a layer frame without a number that is taken back
def test_tracks_are_read_the_same_with_and_without(
    codec: str, seed: int, often: float, size: int
) -> None:
    datagrams = disturbed(sent(codec), seed, often)

    quick = read_track(form_of(codec), datagrams, size=size)

    with without(*SHORTCUTS):
        assert told(read_track(form_of(codec), datagrams, size=size)) == told(quick)


@pytest.mark.parametrize(
    ("codec", "taken"),
    [
        ("vp8", [*[*SHORTCUTS][:3], "all descriptors are alike"]),
        ("vp9", [*SHORTCUTS][:3]),
        ("h264", [*SHORTCUTS][:4]),
        ("h265", [*SHORTCUTS][:4]),
        ("opus", [*SHORTCUTS][:2]),
    ],
)
def test_a_good_call_takes_them(codec: str, taken: Sequence[str]) -> None:
    for name in taken:
        with watched(name) as answers:
            reading = read_track(form_of(codec), sent(codec), size=60)
        assert len(reading.frames) == FRAMES * (8 if codec == "opus" else 1)
        assert sum(answers) > len(answers) / 2, name
