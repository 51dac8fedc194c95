"""Tracks as they come from the field: out of order, full of holes, with garbage in between."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
)

DATA = Path("tests/data")
PCMU = TrackFormat("pcmu", (125,), 8000, 2)


def recorded(path: Path) -> list[Datagram]:
    records = read_dump(path.read_bytes())
    rows = zip(records.arrival_us, records.offset, records.length, records.is_rtcp, strict=True)
    return [
        Datagram(int(us), records.buffer[at : at + size].tobytes(), bool(flag))
        for us, at, size, flag in rows
    ]


@pytest.mark.parametrize("size", [1, 50, 8192])
def test_a_real_trace_of_jitter_is_put_in_order(size: int) -> None:
    """Edge case 46: a fifth of the packets came out of order."""
    capture = DATA / "codecs" / "stereo_pcmu_jitter.rtp"
    golden = json.loads(capture.with_suffix(".json").read_text())["frames"]
    came = recorded(capture)
    assert sum(a.data[2:4] > b.data[2:4] for a, b in pairwise(came)) > 100

    reading = read_track(PCMU, came, size=size)

    found = [hashlib.sha1(frame.data).hexdigest()[:16] for frame in reading.frames]
    assert found == [frame["sha1"] for frame in golden]
    first = reading.frames[0].timestamp
    assert [f.timestamp - first for f in reading.frames] == [frame["ts"] for frame in golden]
    assert reading.reader.counts().lost == golden[-1]["seq"] - golden[0]["seq"] + 1 - len(golden)
    assert reading.reader.counts().late == 0


@pytest.mark.parametrize("size", [3, 8192])
def test_b_frames_out_of_order_are_sorted_by_their_numbers(size: int) -> None:
    """Edge case 47: their timestamps go back as they should."""
    capture = DATA / "codecs" / "membrane_demo_h264.pcap"
    sent = [Datagram(ns // 1000, data) for ns, _, data in read_pcap(capture)]
    in_order = read_track(H264, sent).frames
    times = [frame.timestamp for frame in in_order]
    assert times != sorted(times)
    swapped = [sent[i ^ 1]._replace(arrival_us=each.arrival_us) for i, each in enumerate(sent)]

    assert read_track(H264, swapped, size=size).frames == in_order


@pytest.mark.parametrize("size", [1, 100])
def test_a_track_of_one_packet_is_a_frame(size: int) -> None:
    """Edge case 55."""
    (only,) = vp8_call(0.04, packets=1)

    reading = read_track(VP8, [only], size=size)

    assert len(reading.frames) == 1
    assert reading.frames[0].keyframe
    assert (reading.reader.counts().received, reading.reader.counts().lost) == (1, 0)


def test_a_track_without_packets_has_no_frames() -> None:
    """Edge case 56 and edge case 218."""
    reading = read_track(VP8, [])

    assert reading.frames == []
    assert reading.reader.streams == []
    assert set(reading.reader.counts()) == {0}


@pytest.mark.parametrize("size", [50, 8192])
def test_a_burst_loss_leaves_the_time_line_right(size: int) -> None:
    """Edge case 52: of ten packets nine are lost, for ten seconds."""
    call = opus_call(30)
    kept = [each for i, each in enumerate(call) if not 500 <= i < 1000 or i % 10 == 0]
    times = {frame.data: frame.timestamp for frame in read_track(OPUS, call).frames}

    reading = read_track(OPUS, kept, size=size)

    assert len(reading.frames) == 1050
    assert all(times[frame.data] == frame.timestamp for frame in reading.frames)
    assert reading.reader.counts().lost == 450


def single(count: int, *, lost: Sequence[int] = ()) -> list[Datagram]:
    """Sound of one byte in each packet, which tells which one it is."""
    sender = Sender(payload_type=111, ssrc=7)
    for i in range(count):
        payload = bytes([i % 32 << 3])  # by its configuration
        sender.send(960 * i, payload, arrival_us=START_US + 20_000 * i)
    return [each for i, each in enumerate(sender.sent) if i not in lost]


def test_what_waits_to_be_confirmed_is_not_written_over_by_what_waits_to_be_in_order() -> None:
    """A packet far ahead at the end of a chunk, behind a loss that the next one confirms."""
    sent = single(900, lost=range(200, 800))

    reading = read_track(OPUS, sent, size=201)

    assert [frame.data for frame in reading.frames] == [each.data[12:] for each in sent]


FUZZED = sorted(
    [*(DATA / "rtp" / "rtp-corpus").iterdir(), *(DATA / "codecs" / "h264-corpus").iterdir()]
)


def test_what_fuzzers_found_in_the_middle_of_a_call_leaves_the_call_alone() -> None:
    """Edge case 217 and edge case 1: what is no packet, and packets of nobody."""
    call = vp8_call(4)
    garbage = [
        Datagram(call[150].arrival_us + 1 + n, path.read_bytes()[:1400])
        for n, path in enumerate(FUZZED)
    ]

    reading = read_track(VP8, sorted([*call, *garbage]), size=40)

    assert reading.frames == read_track(VP8, call).frames
    counts = reading.reader.counts()
    assert counts.malformed + counts.foreign + counts.wild > 0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(min_size=0, max_size=40), max_size=30), st.integers(1, 40))
@pytest.mark.parametrize("form", [VP8, H264, OPUS], ids=["vp8", "h264", "opus"])
def test_hostile_payloads_never_raise(form: TrackFormat, payloads: list[bytes], size: int) -> None:
    """Edge case 217: in the numbering of the stream itself."""
    (payload_type,) = form.payload_types
    sender = Sender(payload_type=payload_type)
    for n, payload in enumerate(payloads):
        sender.send(3000 * (n // 2), payload, arrival_us=START_US + 15_000 * n)

    counts = read_track(form, sender.sent, size=size).reader.counts()

    if any(payloads):
        assert (counts.received, counts.lost) == (len(payloads), 0)


def test_noise_for_a_whole_track_gives_no_frame_of_it() -> None:
    """Edge case 23: what no decoder takes is counted, and no file of noise is made."""
    noise = random.Random(5)
    sender = Sender()
    for i in range(300):
        sender.send(3000 * i, b"\x9f" + noise.randbytes(200), arrival_us=START_US + 33_333 * i)

    reading = read_track(H264, sender.sent)

    assert reading.frames == []
    assert reading.reader.counts().received == 300


@pytest.mark.parametrize("size", [1, 7, 64])
def test_the_same_packets_give_the_same_frames_however_they_are_chunked(size: int) -> None:
    """Edge case 219."""
    chance = random.Random(9)
    call = [each for each in vp8_call(6) if chance.random() > 0.02]
    came = sorted(delayed(each, chance.choice((0, 0, 5000, 200_000))) for each in call)

    once, again = read_track(VP8, came), read_track(VP8, came, size=size)

    assert again.frames == once.frames
    assert again.reader.counts() == once.reader.counts()


def test_sound_goes_on_behind_a_packet_that_no_decoder_takes() -> None:
    """Edge case 142 and edge case 217."""
    call = opus_call(2)
    broken = call[40]._replace(data=call[40].data[:12] + b"\xff")

    reading = read_track(OPUS, [*call[:40], broken, *call[41:]], size=30)

    assert reading.reader.counts().frames_left_out == 1
    assert [frame.data for frame in reading.frames] == [
        opus_packet(i) for i in range(100) if i != 40
    ]
