from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from isotrack.codecs import h264
from isotrack.codecs import h264_parameters as parameters
from isotrack.media.frames import Frames
from isotrack.media.reader import TrackReader
from tests.sessions import (
    H264,
    OPUS,
    START_US,
    VP8,
    Datagram,
    Seen,
    Sender,
    chunked,
    read_track,
    rtp,
)

VECTORS: list[dict[str, Any]] = json.loads(Path("tests/data/media/assembly.json").read_text())[
    "vectors"
]

# Parameter sets as WebRTC's encoders write them: 640x360, and 1280x720.
SPS = bytes.fromhex("6742c01fd900a02ff958")
BIG_SPS = bytes.fromhex("6742c01fd9005005bb011000000300100000030320f1832480")
PPS = bytes.fromhex("68cb83cb20")
IDR = b"\x65\x88\x80" + bytes(30)
IDR_SECOND_SLICE = b"\x65\x42\x20" + bytes(30)  # first_mb 1, slice type 7, PPS 0
AUD = b"\x09\x30"


def delta(number: int) -> bytes:
    return b"\x41\x9a" + number.to_bytes(2, "big") + bytes(30)


def avcc(*units: bytes) -> bytes:
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)


def vp8_of(vector: dict[str, Any]) -> list[Datagram]:
    """A vector's packets as VP8 of keyframes, so that each whole frame can be decoded."""
    heads: dict[int, int] = {}
    for packet in vector["packets"]:
        first = heads.setdefault(packet["ts"], packet["seq"])
        if (packet["seq"] - first) % 2**16 >= 2**15:
            heads[packet["ts"]] = packet["seq"]
    datagrams = []
    for i, packet in enumerate(vector["packets"]):
        payload = bytes.fromhex(packet["data"])
        head = packet.get("first", heads[packet["ts"]] == packet["seq"])
        if payload and head:
            payload = b"\x10\x10\x00\x00\x9d\x01\x2a\x40\x01\xb4\x00" + payload
        elif payload:
            payload = b"\x00" + payload
        datagrams.append(
            rtp(
                packet["seq"],
                packet["ts"],
                payload,
                arrival_us=START_US + 1000 * i,
                marker=bool(packet["marker"]),
            )
        )
    return datagrams


def told(frame: Seen) -> list[Any]:
    return [frame.timestamp - 2**32, frame.data[10:].hex()]


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize(
    "vector",
    [v for v in VECTORS if {"frames", "complete"} & v["expect"].keys()],
    ids=lambda vector: vector["id"],
)
def test_frames_are_those_of_the_vectors(vector: dict[str, Any], size: int) -> None:
    expect = vector["expect"]

    reading = read_track(VP8, vp8_of(vector), size=size)

    if "frames" in expect:
        # A frame after a loss is an entry, being a keyframe: what is tested is the grouping.
        assert sorted(map(told, reading.frames)) == sorted(expect["frames"])
    else:
        assert [told(frame) for frame in reading.frames] == expect["complete"]
    if "lost" in expect:
        assert reading.reader.counts().lost == expect["lost"]


def test_a_jump_of_half_the_numbering_keeps_the_frames_of_both_sides() -> None:
    (vector,) = (v for v in VECTORS if v["id"] == "lk-jb-01")

    assert len(read_track(VP8, vp8_of(vector)).frames) == vector["expect"]["frames_n"]


@pytest.mark.parametrize("name", ["lw-pb-07", "lw-pb-08", "lw-pb-12"])
def test_odd_streams_never_give_a_time_twice(name: str) -> None:
    (vector,) = (v for v in VECTORS if v["id"] == name)

    frames = read_track(VP8, vp8_of(vector)).frames

    assert len({frame.timestamp for frame in frames}) == len(frames)


def h264_sender(*units: tuple[bytes, ...], max_payload: int = 1200) -> Sender:
    """Access units 33 ms apart."""
    sender = Sender()
    for i, unit in enumerate(units):
        sender.send(
            9000 + 3000 * i,
            *h264.packetize(unit, max_payload),
            arrival_us=START_US + 33_333 * i,
        )
    return sender


def deltas(first: int, count: int) -> list[tuple[bytes, ...]]:
    return [(delta(first + i),) for i in range(count)]


@pytest.mark.parametrize("size", [1, 2, 7, 500])
def test_parameter_sets_in_an_access_unit_of_their_own_go_with_the_picture_that_follows(
    size: int,
) -> None:
    sender = h264_sender((SPS, PPS), (IDR,), *deltas(2, 3), (SPS,), (PPS,), (IDR,), *deltas(8, 90))

    reading = read_track(H264, sender.sent, size=size)

    assert [frame.data for frame in reading.frames[:4]] == [
        avcc(SPS, PPS, IDR),
        *(avcc(delta(2 + i)) for i in range(3)),
    ]
    assert reading.frames[4].data == avcc(SPS, PPS, IDR)
    assert reading.frames[0].timestamp == 2**32 + 9000 + 3000
    assert len(reading.frames) == 95
    assert reading.reader.counts().frames_left_out == 0


def test_markers_in_the_middle_of_an_access_unit_do_not_end_it() -> None:
    sender = Sender()
    for payload in (SPS, PPS, IDR):
        sender.send(9000, payload)

    frames = read_track(H264, sender.sent).frames

    assert [frame.data for frame in frames] == [avcc(SPS, PPS, IDR)]


@pytest.mark.parametrize("position", [0, 1, -1], ids=["head", "middle", "tail"])
def test_an_h264_frame_with_a_fragment_lost_freezes_the_picture(position: int) -> None:
    big = delta(5) + bytes(4000)
    sender = h264_sender((SPS, PPS, IDR), (big,), *deltas(2, 3), (SPS, PPS, IDR), (delta(6),))
    fragments = [i for i, each in enumerate(sender.sent) if each.data[12] & 31 == 28]
    gone = fragments[position]

    reading = read_track(H264, [*sender.sent[:gone], *sender.sent[gone + 1 :]])

    assert [frame.keyframe for frame in reading.frames] == [True, True, False]
    assert reading.frames[1].after_loss


def test_a_frame_whose_first_slice_is_lost_is_not_whole() -> None:
    sender = Sender()
    sender.send(0, SPS, PPS, IDR)
    sender.send(3000, delta(1), b"\x41\x03" + bytes(20), b"\x41\x03" + bytes(20))
    sender.send(6000, delta(2))

    reading = read_track(H264, [*sender.sent[:3], *sender.sent[4:]])

    assert [frame.data for frame in reading.frames] == [avcc(SPS, PPS, IDR)]
    assert reading.reader.counts().frames_left_out == 2


def test_an_idr_whose_first_slice_is_lost_is_no_entry() -> None:
    sender = Sender()
    sender.send(0, SPS, PPS, IDR)
    sender.send(3000, IDR, IDR_SECOND_SLICE)
    sender.send(6000, delta(2))

    reading = read_track(H264, [*sender.sent[:3], *sender.sent[4:]])

    assert len(reading.frames) == 1


def sprop(*sets: bytes) -> dict[str, str]:
    return {"sprop-parameter-sets": ",".join(base64.b64encode(each).decode() for each in sets)}


def test_the_end_of_an_idr_is_no_entry_though_all_its_parameter_sets_are_known() -> None:
    sender = Sender()
    sender.send(3000, IDR, IDR_SECOND_SLICE)
    sender.send(6000, delta(2))

    assert read_track(H264._replace(fmtp=sprop(SPS, PPS)), sender.sent[1:]).frames == []
    assert len(read_track(H264._replace(fmtp=sprop(SPS, PPS)), sender.sent).frames) == 2


def test_an_idr_that_may_have_lost_its_parameter_sets_is_no_entry() -> None:
    sender = Sender()
    sender.send(0, SPS, PPS, IDR)
    sender.send(3000, SPS, PPS, IDR)  # the sets are lost: they may have been new ones
    sender.send(6000, delta(2))

    reading = read_track(H264, [*sender.sent[:3], *sender.sent[5:]])

    assert len(reading.frames) == 1


def test_an_idr_without_sets_after_a_loss_is_an_entry_where_sets_never_come_with_it() -> None:
    sender = Sender()
    for i in range(4):
        sender.send(3000 * i, IDR if i in (0, 3) else delta(i))

    reading = read_track(H264._replace(fmtp=sprop(SPS, PPS)), [*sender.sent[:1], *sender.sent[2:]])

    assert [frame.timestamp - 2**32 for frame in reading.frames] == [0, 9000]
    keyframes = reading.reader.streams[0].keyframes
    assert keyframes is not None
    assert keyframes.configuration == parameters.decoder_configuration([SPS], [PPS])


def test_an_idr_with_an_unknown_parameter_set_ends_what_can_be_decoded() -> None:
    unknown = b"\x65\x88\x08" + bytes(30)  # first_mb 0, slice type 7, PPS 7
    assert parameters.slice_pps_id(unknown) not in (0, parameters.pps_ids(PPS)[0])
    sender = h264_sender((SPS, PPS, IDR), (delta(1),), (unknown,), (delta(2),), (SPS, PPS, IDR))

    reading = read_track(H264, sender.sent)

    assert [frame.data for frame in reading.frames] == [
        avcc(SPS, PPS, IDR),
        avcc(delta(1)),
        avcc(SPS, PPS, IDR),
    ]


def test_loss_between_parameter_sets_and_their_picture_leaves_the_keyframe_usable() -> None:
    sender = h264_sender((SPS, PPS, IDR), (SPS, PPS), (delta(1),), (IDR,), (delta(2),))

    reading = read_track(H264, [*sender.sent[:2], *sender.sent[3:]])

    assert [frame.data for frame in reading.frames] == [
        avcc(SPS, PPS, IDR),
        avcc(SPS, PPS, IDR),
        avcc(delta(2)),
    ]
    assert reading.frames[1].after_loss


def test_parameter_sets_at_the_very_end_are_no_frame() -> None:
    sender = h264_sender((SPS, PPS, IDR), (delta(1),), (AUD, SPS, PPS))

    assert len(read_track(H264, sender.sent).frames) == 2


def test_parameter_sets_with_numbers_out_of_range_are_not_kept() -> None:
    far = parameters  # an id of 255 as Exp-Golomb: 0000 0000 1 0000 0000
    wild = bytes((0x67, 0x42, 0xC0, 0x1F, 0x00, 0x80, 0x00)) + SPS[4:]
    assert far.sps_id(wild) > 31
    sender = h264_sender((wild, SPS, PPS, IDR))

    reading = read_track(H264, sender.sent)

    keyframes = reading.reader.streams[0].keyframes
    assert keyframes is not None
    assert keyframes.configuration == parameters.decoder_configuration([SPS], [PPS])


def test_a_change_of_parameter_sets_changes_the_size() -> None:
    sender = h264_sender((SPS, PPS, IDR), (delta(1),), (BIG_SPS, PPS, IDR))

    keyframes = read_track(H264, sender.sent).reader.streams[0].keyframes

    assert keyframes is not None
    assert len(keyframes.sizes) == 2
    assert keyframes.configuration == parameters.decoder_configuration([SPS], [PPS])


def test_opus_frames_last_as_long_as_their_packet_says() -> None:
    sender = Sender(payload_type=111)
    sender.send(0, b"\xfc" + bytes(50))  # CELT, 20 ms
    sender.send(960, b"\xe4" + bytes(50))  # CELT, 2.5 ms
    sender.send(1080, b"\x1c" + bytes(50))  # SILK, 60 ms

    reader = TrackReader(OPUS)
    (records,) = chunked(sender.sent, 10)
    reader.push(records)
    ((_, frames),) = reader.finish()

    assert isinstance(frames, Frames)
    assert frames.duration.tolist() == [960, 120, 2880]
    assert frames.keyframe.all()
