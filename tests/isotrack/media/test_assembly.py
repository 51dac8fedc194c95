from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from isotrack.media.frames import Frames
from isotrack.media.reader import TrackReader
from tests.sessions import (
    OPUS,
    START_US,
    VP8,
    Datagram,
    Seen,
    Sender,
    chunked,
    read_track,
    rtp,
    vp8_call,
    vp8_frame,
    vp8_payloads,
)

VECTORS: list[dict[str, Any]] = json.loads(Path("tests/data/media/assembly.json").read_text())[
    "vectors"
]


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


# Of all vectors but these the frames are told. lk-jb-01 tells only how many there are, lw-pb-07,
# lw-pb-08 and lw-pb-12 only what must not be, and lw-pb-11 is of H.264 (test_assembly_h264).
OTHERWISE = {"lk-jb-01", "lw-pb-07", "lw-pb-08", "lw-pb-11", "lw-pb-12"}


def test_every_vector_is_used() -> None:
    told_of = {v["id"] for v in VECTORS if {"frames", "complete"} & v["expect"].keys()}

    assert {v["id"] for v in VECTORS} == told_of | OTHERWISE
    assert not told_of & OTHERWISE


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
    """Edge case 49."""
    (vector,) = (v for v in VECTORS if v["id"] == "lk-jb-01")

    assert len(read_track(VP8, vp8_of(vector)).frames) == vector["expect"]["frames_n"]


@pytest.mark.parametrize("name", ["lw-pb-07", "lw-pb-08", "lw-pb-12"])
def test_odd_streams_never_give_a_time_twice(name: str) -> None:
    """Edge case 62 and edge case 71: they say what must not be, not what there is."""
    (vector,) = (v for v in VECTORS if v["id"] == name)

    frames = read_track(VP8, vp8_of(vector)).frames

    assert len({frame.timestamp for frame in frames}) == len(frames)


def keyframes(count: int, *, packets: int = 3, sequence: int = 65_530) -> Sender:
    """A stream of keyframes, so that each whole frame can be decoded; markers on the last."""
    sender = Sender(sequence=sequence)
    for i in range(count):
        frame = vp8_frame(True, bytes([i]) * 90)
        sender.send(
            9000 + 3000 * i, *vp8_payloads(frame, packets), arrival_us=START_US + 33_333 * i
        )
    return sender


def numbers(frames: Sequence[Seen]) -> list[int]:
    """Which of those keyframes these are; all their bytes must be there."""
    for frame in frames:
        assert frame.data == vp8_frame(True, frame.data[-1:] * 90)
    return [frame.data[-1] for frame in frames]


def unmarked(datagram: Datagram) -> Datagram:
    second = bytes([datagram.data[1] & 0x7F])
    return datagram._replace(data=datagram.data[:1] + second + datagram.data[2:])


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_a_changed_timestamp_ends_a_frame_that_has_no_marker(size: int) -> None:
    """Edge case 60 and edge case 61."""
    sent = [unmarked(each) for each in keyframes(10).sent]

    reading = read_track(VP8, sent, size=size)

    assert numbers(reading.frames) == [*range(10)]
    assert not any(frame.after_loss for frame in reading.frames)


def test_the_last_frame_without_a_marker_is_kept() -> None:
    """Edge case 63: nothing proves that something is missing."""
    sent = keyframes(5).sent

    assert numbers(read_track(VP8, [*sent[:-1], unmarked(sent[-1])]).frames) == [*range(5)]


@pytest.mark.parametrize("first", [1, 2])
@pytest.mark.parametrize("size", [1, 100])
def test_a_file_that_begins_with_the_tail_of_a_frame_lacks_that_frame_only(
    first: int, size: int
) -> None:
    """Edge case 64."""
    reading = read_track(VP8, keyframes(6).sent[first:], size=size)

    assert numbers(reading.frames) == [*range(1, 6)]
    assert reading.reader.counts().lost == 0


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize(
    ("position", "marked"), [(0, True), (1, True), (2, True), (1, False), (2, False)]
)
def test_a_frame_with_a_hole_is_dropped_and_never_joined_with_the_next(
    position: int, size: int, marked: bool
) -> None:
    """Edge case 65 and edge case 66: though its numbers go on behind the hole."""
    sent = keyframes(8).sent if marked else [unmarked(each) for each in keyframes(8).sent]
    gone = 3 * 4 + position

    reading = read_track(VP8, [*sent[:gone], *sent[gone + 1 :]], size=size)

    assert numbers(reading.frames) == [0, 1, 2, 3, 5, 6, 7]
    assert reading.frames[4].after_loss
    assert reading.reader.counts().frames_left_out == 1


def test_without_markers_a_head_that_is_lost_may_have_been_the_tail_before_it() -> None:
    """Edge case 66: nothing says where the frame before it ended."""
    sent = [unmarked(each) for each in keyframes(8).sent]
    gone = 3 * 4

    frames = read_track(VP8, [*sent[:gone], *sent[gone + 1 :]]).frames

    assert numbers(frames) == [0, 1, 2, 5, 6, 7]


def test_of_frames_of_which_every_second_packet_is_lost_none_is_glued() -> None:
    """Edge case 53."""
    assert read_track(VP8, keyframes(20).sent[::2]).frames == []
    assert numbers(read_track(VP8, keyframes(20, packets=1).sent[::2]).frames) == [*range(0, 20, 2)]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_padding_after_the_marker_is_neither_a_frame_nor_a_loss(size: int) -> None:
    """Edge case 67 (with the old timestamp), edge case 68, and edge case 69 (between frames)."""
    sender = Sender()
    for i in range(12):
        payloads = vp8_payloads(vp8_frame(True, bytes([i]) * 90), 1 + i % 2)
        sender.send(9000 + 3000 * i, *payloads, arrival_us=START_US + 33_333 * i)
        sender.send(9000 + 3000 * (i - i % 3), *[b""] * (i % 3))

    reading = read_track(VP8, sender.sent, size=size)

    assert numbers(reading.frames) == [*range(12)]
    assert reading.reader.counts().lost == 0
    assert not any(frame.after_loss for frame in reading.frames)


@pytest.mark.parametrize("size", [100, 8192])
def test_a_frame_of_thousands_of_packets_is_kept(size: int) -> None:
    """Edge case 70: a megabyte and more, over the ends of chunks."""
    frame = vp8_frame(True, bytes(range(256)) * 6000)
    sender = Sender()
    sender.send(0, *vp8_payloads(vp8_frame(True, b"a")))
    sender.send(3000, *vp8_payloads(frame, 1500))
    sender.send(6000, *vp8_payloads(vp8_frame(False, b"b")))

    reading = read_track(VP8, sender.sent, size=size)

    assert reading.frames[1].data == frame
    assert len(reading.frames) == 3


@pytest.mark.parametrize("size", [1, 2, 100])
def test_two_frames_of_one_timestamp_are_one(size: int) -> None:
    """Edge case 71 and edge case 84: a marker in both, a start in both."""
    sender = Sender()
    one, two = vp8_frame(True, b"one"), vp8_frame(False, b"two")
    sender.send(0, *vp8_payloads(one))
    sender.send(0, *vp8_payloads(two))
    sender.send(3000, *vp8_payloads(two))

    reading = read_track(VP8, sender.sent, size=size)

    assert [frame.data for frame in reading.frames] == [one + two, two]


def test_deltas_before_the_first_keyframe_are_dropped_and_time_does_not_move() -> None:
    """Edge case 72 and edge case 75: the first whole keyframe is the first frame."""
    sender = Sender()
    for i in range(20):
        frame = vp8_frame(i in (5, 9), bytes([i]) * 30)
        sender.send(9000 + 3000 * i, *vp8_payloads(frame, 2), arrival_us=START_US + 33_333 * i)
    sent = [each for n, each in enumerate(sender.sent) if n != 11]  # the keyframe is not whole

    frames = read_track(VP8, sent, size=8).frames

    assert [frame.data[-1] for frame in frames] == [*range(9, 20)]
    assert frames[0].keyframe
    assert frames[0].timestamp == 2**32 + 9000 + 3000 * 9


def test_what_is_kept_after_a_loss_keeps_its_time() -> None:
    """Edge case 74: the frames until the next keyframe are dropped, and those after it stay put."""
    call = vp8_call(4)
    whole = {frame.data: frame.timestamp for frame in read_track(VP8, call).frames}

    frames = read_track(VP8, [*call[:100], *call[101:]]).frames

    assert 60 < len(frames) < 120
    assert all(whole[frame.data] == frame.timestamp for frame in frames)


@pytest.mark.parametrize(("width", "height"), [(494, 371), (16383, 1), (1, 2)])
def test_the_size_is_that_of_the_bitstream(width: int, height: int) -> None:
    """Edge case 78 and edge case 79: odd ones too, and nothing by default."""
    reading = read_track(VP8, vp8_call(1, width=width, height=height))

    assert [tuple(size) for size in reading.reader.streams[0].assembler.sizes] == [
        (2**33 - 900, width, height)
    ]


def test_vp8_needs_no_configuration_and_no_size_comes_of_what_is_no_keyframe() -> None:
    """Edge case 73 and edge case 216."""
    reading = read_track(VP8, vp8_call(2, keyframe_every=1000)[3:])

    assembler = reading.reader.streams[0].assembler
    assert reading.frames == []
    assert (assembler.sizes, assembler.configuration) == ([], b"")


def test_a_vp8_descriptor_without_media_gives_no_frame_and_breaks_nothing() -> None:
    """Edge case 82."""
    sender = Sender()
    for i in range(30):
        payloads = [b"\x10"] if i == 9 else vp8_payloads(vp8_frame(i == 0, bytes([i])))
        sender.send(3000 * i, *payloads, arrival_us=START_US + 33_000 * i)

    reading = read_track(VP8, sender.sent, size=10)

    assert len(reading.frames) == 29
    assert not any(frame.after_loss for frame in reading.frames[1:])


def test_opus_frames_last_as_long_as_their_packet_says() -> None:
    sender = Sender(payload_type=111)
    sender.send(0, b"\xfc" + bytes(50))  # CELT, 20 ms
    sender.send(960, b"\xe4" + bytes(50))  # CELT, 2.5 ms
    sender.send(1080, b"\x1c" + bytes(50))  # SILK, 60 ms

    reader = TrackReader(OPUS)
    (records,) = chunked(sender.sent, 10)
    reader.push(records)
    ((_, frames),) = reader.finish(0)

    assert isinstance(frames, Frames)
    assert frames.duration.tolist() == [960, 120, 2880]
    assert frames.keyframe.all()
