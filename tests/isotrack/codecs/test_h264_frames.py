"""Whole H.264 frames, by their timestamps: which packets are one, and in what order they go."""

from __future__ import annotations

import io
from itertools import pairwise

import av
import numpy as np
import pytest

from isotrack.codecs.h264 import depacketize, nal_units, packetize, split_annexb
from isotrack.codecs.h264_keyframes import H264Keyframes
from isotrack.codecs.h264_pictures import carries_picture
from isotrack.matroska.tracks import avc
from isotrack.rtp.header import write_header
from tests.frames import encode_video, join_frames
from tests.isotrack.matroska.recording import Frame, demux
from tests.nal import annexb, avcc, decode, mux
from tests.packets import packets_of

SPS, PPS = bytes.fromhex("6742c01fd900a02ff958"), bytes.fromhex("68cb83cb20")
IDR, IDR_2 = b"\x65\x88\x80first", b"\x65\x42\x20second"
TICKS_PER_MS = 90


def datagrams(frames: list[tuple[int, list[bytes]]], *, markers: bool = False) -> list[bytes]:
    """The packets of frames given as timestamp and payloads."""
    return [
        write_header(96, number, timestamp, 1234, markers or position == len(payloads) - 1)
        + payload
        for number, (timestamp, position, payloads, payload) in enumerate(
            (timestamp, position, payloads, payload)
            for timestamp, payloads in frames
            for position, payload in enumerate(payloads)
        )
    ]


def test_parameter_sets_with_markers_of_their_own_belong_to_the_frame_of_their_time() -> None:
    """A marker on every packet (edge case 105)."""
    packets = packets_of(datagrams([(9000, [SPS, PPS, IDR, IDR_2])], markers=True))
    assert packets.marker.all()
    media = depacketize(packets)
    frames = join_frames(packets, media)
    assert frames == [avcc(SPS, PPS, IDR, IDR_2)]
    assert media.head.tolist() == [True, True, True, False]
    reader = H264Keyframes()
    assert reader.read(frames[0], 9000, after_loss=False)


def test_parameter_sets_with_a_time_of_their_own_are_known_to_carry_no_picture() -> None:
    """So that they can be joined to the frame that follows (edge case 106)."""
    packets = packets_of(datagrams([(6000, [SPS, PPS]), (9000, [IDR])]))
    assert carries_picture(packets).tolist() == [False, False, True]
    assert join_frames(packets, depacketize(packets)) == [avcc(SPS, PPS), avcc(IDR)]


def test_a_frame_whose_first_slice_is_lost_has_no_head_though_an_idr_is_in_it() -> None:
    """A second slice cannot stand for its frame (edge case 116)."""
    packets = packets_of(datagrams([(9000, [IDR_2])]))
    media = depacketize(packets)
    assert (media.head.tolist(), media.keyframe.tolist()) == ([False], [True])


@pytest.mark.parametrize("max_payload", [200, 1200])
def test_b_frames_stay_in_decoding_order_each_with_its_own_time(max_payload: int) -> None:
    """Blocks in decoding order, each at its RTP timestamp (edge case 118)."""
    options = {"preset": "superfast", "bf": "2", "g": "12", "sc_threshold": "0"}
    units = [split_annexb(frame) for frame in encode_video("libx264", 30, options=options)]
    times = [40 * order for order in presentation_order(units)]
    assert any(b < a for a, b in pairwise(times))
    sent = datagrams(
        [
            (time * TICKS_PER_MS, packetize(each, max_payload))
            for time, each in zip(times, units, strict=True)
        ]
    )
    packets = packets_of(sent)
    media = depacketize(packets)
    assert not media.broken.any()
    frames = join_frames(packets, media)
    assert frames == [avcc(*each) for each in units]
    begins = np.flatnonzero(np.diff(packets.timestamp.astype(np.int64), prepend=-1))
    assert (packets.timestamp[begins] // TICKS_PER_MS).tolist() == times

    reader = H264Keyframes()
    written = [
        Frame(1, time, reader.read(frame, time, after_loss=False), frame)
        for time, frame in zip(times, frames, strict=True)
    ]
    file = mux(avc(1, 11, 320, 180, reader.configuration), written)
    assert demux(file) == written
    with av.open(io.BytesIO(file)) as container:
        shown = [picture.pts for picture in container.decode(video=0)]
    assert shown == sorted(times)


def presentation_order(units: list[list[bytes]]) -> list[int]:
    """The place of each frame among those shown, as the decoder tells it."""
    pictures = decode("h264", [annexb(*each) for each in units])
    shown = {picture.pts: place for place, picture in enumerate(pictures)}
    return [shown[index] for index in range(len(units))]


def test_timestamps_that_jitter_by_a_tick_stay_as_they_are() -> None:
    """Steps of 2999, 3000 and 3001, and of a single tick (edge case 119)."""
    steps = [2999, 3000, 3001, 3000, 1, 2999]
    times = np.cumsum([90_000, *steps]).tolist()
    slices = [bytes((0x41, 0x9A)) + bytes((n,)) * 9 for n in range(len(times))]
    frames = [(time, packetize([unit], 6)) for time, unit in zip(times, slices, strict=True)]
    packets = packets_of(datagrams(frames))
    media = depacketize(packets)
    assert join_frames(packets, media) == [avcc(unit) for unit in slices]
    assert sorted(set(packets.timestamp.tolist())) == times
    assert not media.broken.any()


def test_fragments_a_tick_apart_are_of_two_frames() -> None:
    """However close, they are never merged (edge case 119)."""
    start, end = packetize([b"\x41\x9aunit"], 5)
    packets = packets_of(datagrams([(9000, [start]), (9001, [end])]))
    assert depacketize(packets).broken.all()


def test_a_frame_is_its_nal_units_and_nothing_else() -> None:
    packets = packets_of(datagrams([(9000, packetize([SPS, PPS, IDR], 1200))]))
    (frame,) = join_frames(packets, depacketize(packets))
    assert [bytes(unit) for unit in nal_units(frame)] == [SPS, PPS, IDR]
