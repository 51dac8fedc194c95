from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from isotrack.media.track_format import TrackFormat
from isotrack.rtp.dump import read_dump
from tests.pcap import read_pcap
from tests.sessions import (
    H264,
    OPUS,
    START_US,
    VP8,
    Datagram,
    Sender,
    delayed,
    opus_call,
    opus_packet,
    read_track,
    vp8_call,
    vp8_frame,
    vp8_payloads,
)

DATA = Path("tests/data")
SECOND = 1_000_000
CODECS, MEDIA = DATA / "codecs", DATA / "media"


def captured(path: Path) -> list[Datagram]:
    if path.suffix == ".pcap":
        return [Datagram(ns // 1000, data) for ns, _, data in read_pcap(path)]
    records = read_dump(path.read_bytes())
    return [
        Datagram(int(arrival), records.buffer[at : at + length].tobytes(), bool(is_rtcp))
        for arrival, at, length, is_rtcp in zip(
            records.arrival_us, records.offset, records.length, records.is_rtcp, strict=True
        )
    ]


@pytest.mark.parametrize("size", [1, 7, 8192])
@pytest.mark.parametrize(
    ("capture", "golden", "form", "whole"),
    [
        (CODECS / "str0m_vp8.pcap", CODECS / "str0m_vp8.json", VP8, 101),
        (MEDIA / "membrane_vp8.pcap", MEDIA / "membrane_vp8.json", VP8, 102),
        (
            CODECS / "talk_video.rtpdump",
            CODECS / "talk_video.json",
            H264._replace(payload_types=(97,)),
            252,
        ),
        (CODECS / "membrane_demo_h264.pcap", CODECS / "membrane_demo_h264.json", H264, 22),
        (MEDIA / "membrane_srtp_h264.pcap", MEDIA / "membrane_srtp_h264.json", H264, 237),
    ],
    ids=["str0m-vp8", "membrane-vp8", "talk-h264", "membrane-h264-b-frames", "membrane-h264-pts"],
)
def test_a_real_capture_gives_the_frames_that_were_sent_however_it_is_chunked(
    capture: Path, golden: Path, form: TrackFormat, whole: int, size: int
) -> None:
    wanted = json.loads(golden.read_text())["frames"]

    frames = read_track(form, captured(capture), size=size).frames

    assert len(frames) >= whole
    first = frames[0].timestamp - wanted[0]["ts"]
    for frame, want in zip(frames[:whole], wanted, strict=False):
        assert hashlib.sha1(frame.data).hexdigest()[:16] == want["sha1"]
        assert frame.timestamp - first == want["ts"]
        assert frame.keyframe == want["key"]
    assert all(want["complete"] for want in wanted[:whole])


def test_packets_that_arrive_out_of_order_across_chunk_ends_give_the_same_frames() -> None:
    in_order = vp8_call(3, timestamp=5000)
    shuffled = [in_order[i ^ 3] if i ^ 3 < 270 else in_order[i] for i in range(270)]

    for size in (1, 2, 5, 270):
        assert read_track(VP8, shuffled, size=size).frames == read_track(VP8, in_order).frames


def test_a_stream_whose_first_packet_overtook_the_wrap_begins_before_it() -> None:
    """Edge case 40 and edge case 41."""
    call = vp8_call(1, packets=2)
    early = [call[1], call[2], call[0], *call[3:]]

    frames = read_track(VP8, early).frames

    assert [frame.timestamp - frames[0].timestamp for frame in frames] == [
        3000 * i for i in range(30)
    ]
    assert frames[0].keyframe


def test_sequence_numbers_and_timestamps_wrap_without_a_seam() -> None:
    """Edge case 39."""
    frames = read_track(VP8, vp8_call(2)).frames

    assert [frame.timestamp for frame in frames] == [
        2**32 + 2**32 - 900 + 3000 * i for i in range(60)
    ]


def test_copies_of_a_packet_are_counted_and_used_once() -> None:
    """Edge case 24, edge case 43 and edge case 45."""
    call = vp8_call(3)
    twice = sorted([*call, *(delayed(each, 40_000) for each in call[::4])])

    reading = read_track(VP8, twice, size=50)

    assert reading.frames == read_track(VP8, call).frames
    assert reading.reader.counts().duplicates == len(call[::4])
    assert reading.reader.counts().received == len(call)
    assert reading.reader.counts().lost == 0


def test_a_retransmission_within_two_seconds_mends_its_frame() -> None:
    call = vp8_call(4)
    late = sorted([*call[:100], delayed(call[100], 1_500_000), *call[101:]])

    assert read_track(VP8, late, size=20).frames == read_track(VP8, call).frames


def test_a_packet_that_comes_after_its_place_was_passed_is_counted_as_late() -> None:
    call = vp8_call(8)
    late = sorted([*call[:100], delayed(call[100], 5_000_000), *call[101:]])

    reading = read_track(VP8, late, size=20)

    assert reading.reader.counts().late == 1
    assert reading.reader.counts().lost == 1
    assert len(reading.frames) < 240


@pytest.mark.parametrize("position", [0, 1, 2], ids=["head", "middle", "tail"])
@pytest.mark.parametrize("size", [1, 7, 8192])
def test_a_vp8_frame_with_a_packet_lost_freezes_the_picture_until_the_next_keyframe(
    position: int, size: int
) -> None:
    """Edge case 65 and edge case 74."""
    call = vp8_call(3)
    broken = 3 * 40 + position

    reading = read_track(VP8, [*call[:broken], *call[broken + 1 :]], size=size)

    every = read_track(VP8, call).frames
    assert reading.frames == [*every[:40], every[60]._replace(after_loss=True), *every[61:]]
    assert reading.reader.counts().lost == 1
    assert reading.reader.counts().frames_left_out == 20


@pytest.mark.parametrize("size", [1, 8192])
def test_the_loss_of_a_whole_frame_freezes_the_picture_too(size: int) -> None:
    call = vp8_call(3)

    reading = read_track(VP8, [*call[:120], *call[123:]], size=size)

    assert len(reading.frames) == 40 + 30
    assert reading.frames[40].keyframe
    assert reading.frames[40].after_loss
    assert reading.reader.counts().frames_left_out == 19


def test_padding_with_an_old_timestamp_is_neither_a_frame_nor_a_loss() -> None:
    """Edge case 67."""
    sender = Sender()
    for i in range(30):
        frame = vp8_frame(i == 0, bytes([i]))
        sender.send(9000 + 3000 * i, *vp8_payloads(frame), arrival_us=START_US + 33_000 * i)
        sender.send(9000 + 3000 * i, b"")

    reading = read_track(VP8, sender.sent, size=4)

    assert len(reading.frames) == 30
    assert reading.reader.counts().lost == 0
    assert not any(frame.after_loss for frame in reading.frames)


def test_the_loss_of_a_packet_before_padding_is_still_a_loss() -> None:
    call = vp8_call(1)
    padded = Sender(sequence=65_530)
    for i, each in enumerate(call):
        padded.sequence += 1
        payload = b"" if i == 61 else each.data[12:]
        timestamp = int.from_bytes(each.data[4:8])
        padded.sequence = 65_530 + i
        padded.send(timestamp, payload, arrival_us=each.arrival_us)
    without = [*padded.sent[:60], *padded.sent[61:]]

    reading = read_track(VP8, without, size=8192)

    assert len(reading.frames) == 20


@pytest.mark.parametrize("size", [1, 3, 8192])
def test_a_single_wild_packet_is_dropped_and_moves_nothing(size: int) -> None:
    call = opus_call(4)
    wild = Sender(payload_type=111, ssrc=5678, sequence=30_000)
    wild.send(77, opus_packet(999), arrival_us=call[100].arrival_us + 1)

    reading = read_track(OPUS, sorted([*call, *wild.sent]), size=size)

    assert reading.frames == read_track(OPUS, call).frames
    assert reading.reader.counts().wild == 1
    assert len(reading.reader.streams) == 1


@pytest.mark.parametrize("size", [1, 3, 8192])
def test_a_wild_timestamp_alone_is_dropped(size: int) -> None:
    """Edge case 51."""
    sender = Sender(payload_type=111, ssrc=5678)
    for i in range(100):
        timestamp = 2_000_000_000 if i == 50 else 960 * i
        sender.send(timestamp, opus_packet(i), arrival_us=START_US + 20_000 * i)

    reading = read_track(OPUS, sender.sent, size=size)

    assert len(reading.frames) == 99
    assert reading.reader.counts().wild == 1


def test_timestamps_that_jump_with_the_time_that_passed_are_believed_of_a_single_packet() -> None:
    sender = Sender(payload_type=111, ssrc=5678)
    for i in range(6):
        sender.send(48_000 * 100 * i, opus_packet(i), arrival_us=START_US + 100_000_000 * i)

    reading = read_track(OPUS, sender.sent, size=1)

    assert [frame.data for frame in reading.frames] == [opus_packet(i) for i in range(6)]
    assert reading.reader.counts().wild == 0


@pytest.mark.parametrize("size", [1, 2, 3, 8192])
def test_a_sender_that_restarts_with_new_numbering_begins_a_new_stream(size: int) -> None:
    """Edge case 50."""
    sender = Sender(payload_type=111, ssrc=5678)
    opus_call(3, sender=sender)
    sender.sequence = 20_000
    opus_call(3, sender=sender, start_us=START_US + 3_000_000, timestamp=1_000_000_000, first=150)

    reading = read_track(OPUS, sender.sent, size=size)

    assert [frame.data for frame in reading.frames] == [opus_packet(i) for i in range(300)]
    assert [frame.stream for frame in reading.frames] == [0] * 150 + [1] * 150
    assert reading.reader.counts().lost == 0
    assert reading.reader.counts().wild == 0


def test_late_packets_of_before_a_restart_still_belong_to_the_old_stream() -> None:
    sender = Sender(payload_type=111, ssrc=5678)
    opus_call(3, sender=sender)
    sender.sequence = 20_000
    opus_call(3, sender=sender, start_us=START_US + 3_000_000, timestamp=10**9, first=150)
    call = [*sender.sent]
    call[140:150] = [delayed(each, 300_000) for each in call[140:150]]

    reading = read_track(OPUS, sorted(call), size=40)

    assert [frame.stream for frame in reading.frames] == [0] * 150 + [1] * 150


def test_retransmissions_far_behind_between_new_packets_are_not_wild() -> None:
    call = vp8_call(4, packets=10, size=400)
    missing = call[200:203]
    fresh = [each for each in call if each not in missing]
    late = [delayed(each, 1_800_000) for each in missing]

    reading = read_track(VP8, sorted([*fresh, *late]), size=100)

    assert reading.reader.counts().wild == 0
    assert reading.frames == read_track(VP8, call).frames


def test_a_long_loss_is_a_loss_even_where_a_chunk_ends_with_it() -> None:
    """Edge case 48."""
    call = opus_call(30)
    kept = [*call[:99], *call[799:]]

    reading = read_track(OPUS, kept, size=100)

    assert reading.reader.counts().lost == 700
    assert reading.reader.counts().wild == 0
    assert len(reading.frames) == len(kept)
    assert len(reading.reader.streams) == 1


def test_a_new_ssrc_is_a_new_stream() -> None:
    """Edge case 21."""
    first = opus_call(2)
    second = opus_call(
        2,
        sender=Sender(payload_type=111, ssrc=99),
        start_us=START_US + 2_000_000,
        timestamp=5,
        first=100,
    )

    reading = read_track(OPUS, [*first, *second], size=70)

    assert [frame.data for frame in reading.frames] == [opus_packet(i) for i in range(200)]
    assert {frame.stream for frame in reading.frames} == {0, 1}


def test_only_the_announced_ssrc_is_read_where_one_is_announced() -> None:
    """Edge case 11."""
    ours = opus_call(2)
    other = opus_call(2, sender=Sender(payload_type=111, ssrc=99))

    reading = read_track(OPUS._replace(ssrcs=(5678,)), sorted([*ours, *other]))

    assert reading.frames == read_track(OPUS, ours).frames
    assert reading.reader.counts().foreign == len(other)


def test_packets_of_a_foreign_payload_type_are_passed_over() -> None:
    """Edge case 14."""
    ours = opus_call(2)
    rtx = opus_call(2, sender=Sender(payload_type=97, ssrc=99))

    reading = read_track(OPUS, sorted([*ours, *rtx]), size=9)

    assert reading.frames == read_track(OPUS, ours).frames
    assert reading.reader.counts().foreign == len(rtx)


def test_dtmf_that_shares_the_numbering_of_the_sound_is_no_loss() -> None:
    """Edge case 15 and edge case 57."""
    sender = Sender(payload_type=111, ssrc=5678)
    for i in range(100):
        sender.payload_type = 101 if 40 <= i < 50 else 111
        timestamp = 960 * (40 if 40 <= i < 50 else i)
        sender.send(timestamp, opus_packet(i), arrival_us=START_US + 20_000 * i)

    reading = read_track(OPUS, sender.sent, size=11)

    assert len(reading.frames) == 90
    assert reading.reader.counts().lost == 0
    assert reading.reader.counts().received == 100
    assert not any(frame.after_loss for frame in reading.frames)


def test_video_without_a_keyframe_has_no_frames() -> None:
    """Edge case 73."""
    call = vp8_call(2, keyframe_every=1000)[3:]

    reading = read_track(VP8, call)

    assert reading.frames == []
    assert reading.reader.counts().frames_left_out == 59


def test_video_begins_with_its_first_keyframe_however_late() -> None:
    """Edge case 72, edge case 75 and edge case 76: it keeps its own time."""
    call = vp8_call(3)[3 * 7 :]

    reading = read_track(VP8, call, size=10)

    assert reading.frames[0].keyframe
    assert len(reading.frames) == 60
    assert reading.reader.counts().frames_left_out == 23


def test_a_change_of_size_is_noted_where_it_happens() -> None:
    """Edge case 77."""
    sender = Sender()
    vp8_call(1, sender=sender)
    vp8_call(
        1,
        sender=sender,
        start_us=START_US + 1_000_000,
        timestamp=2**32 - 900 + 90_000,
        width=180,
        height=320,
    )

    reading = read_track(VP8, sender.sent, size=33)

    sizes = reading.reader.streams[0].assembler.sizes
    assert [(s.timestamp - 2**33 + 900, s.width, s.height) for s in sizes] == [
        (0, 320, 180),
        (90_000, 180, 320),
    ]
