"""What players need of the files: times, lengths, places to seek to, set-up of decoders."""

from __future__ import annotations

import io
from itertools import pairwise

import av
import pytest

from isotrack.recording.tracks import TrackType
from tests.isotrack.pipeline.remuxing import call, demuxed, made, matroska, of_track
from tests.sessions import START_US, Sender, Session, opus_call, vp8_call, vp8_frame, vp8_payloads

START_TICKS = 2**32 - 900


def test_clusters_are_bounded_and_cued() -> None:
    session = Session()
    session.capture(TrackType.AUDIO, opus_call(30))
    session.capture(TrackType.VIDEO, vp8_call(30, keyframe_every=240, size=40_000))
    session.seal()

    audio, video, both = made(session)

    for file in (audio, video, both):
        found = matroska(session.store, file)
        for cluster in found.segment.all("Cluster"):
            assert cluster.end - cluster.start < (4 << 20) + 50_000
        starts = [int(str(c.get("Timestamp"))) for c in found.segment.all("Cluster")]
        assert max(b - a for a, b in pairwise([*starts, file.duration_ms])) <= 5000
    for file in (video, both):
        found = matroska(session.store, file)
        assert found.cues == [
            (block.time_ms, 1) for block in of_track(found.blocks, 1) if block.keyframe
        ]
        assert len(found.cues) == 4
    assert [time for time, _ in matroska(session.store, audio).cues] == [5000 * i for i in range(6)]


def test_blocks_stand_in_the_order_they_play() -> None:
    session = call()

    for file in made(session):
        times = [block.time_ms for block in matroska(session.store, file).blocks]
        assert times == sorted(times)


def test_the_file_lasts_as_long_as_its_frames() -> None:
    """Edge case 214: the end of the last frame is the end of the file; nothing is left out."""
    session = call()

    for file in made(session):
        found = matroska(session.store, file)
        ends = [
            b.time_ms + (20 if b.keyframe and len(b.frame) in (3, 65) else 33) for b in found.blocks
        ]
        assert abs(file.duration_ms - max(ends)) <= 1
        assert found.info.get("Duration") == float(file.duration_ms)
        sizes = sum(len(block.frame) for block in found.blocks)
        blocks = [block for c in found.segment.all("Cluster") for block in c.all("SimpleBlock")]
        assert sum(block.end - block.data_start - 4 for block in blocks) == sizes


def test_every_keyframe_can_be_sought() -> None:
    """Edge case 215."""
    session = call()
    _, video, both = made(session)

    for file in (video, both):
        keyframes = [
            b.time_ms for b in of_track(matroska(session.store, file).blocks, 1) if b.keyframe
        ]
        assert len(keyframes) == 12
        with av.open(io.BytesIO(session.store.objects[file.key])) as container:
            stream = container.streams.video[0]
            for at in reversed(keyframes):
                for late in (0, 500):
                    container.seek(at + late, stream=stream)
                    packet = next(container.demux(stream))
                    assert (packet.pts, packet.is_keyframe) == (at, True)


def test_every_five_seconds_of_sound_can_be_sought() -> None:
    """Edge case 215, where there is no picture."""
    session = call(30)
    audio = made(session)[0]

    with av.open(io.BytesIO(session.store.objects[audio.key])) as container:
        for at in (29_000, 12_345, 0, 20_001):
            container.seek(at, stream=container.streams.audio[0])
            assert at - 5000 <= next(container.demux(audio=0)).pts <= at


def shown(*ticks: int) -> list[int]:
    """When pictures stand in the file that were sent with these RTP timestamps."""
    session, sender = Session(), Sender()
    for i, at in enumerate(ticks):
        payloads = vp8_payloads(vp8_frame(i == 0, bytes([i % 251]) * 60), 1)
        sender.send(START_TICKS + at, *payloads, arrival_us=START_US + at * 100 // 9)
    session.capture(TrackType.VIDEO, sender.sent)
    session.seal()

    (file,) = made(session)

    packets = demuxed(session.store, file)
    assert [packet.frame for packet in packets] == [
        vp8_frame(i == 0, bytes([i % 251]) * 60) for i in range(len(ticks))
    ]
    return [packet.time_ms for packet in packets]


def test_two_pictures_in_one_millisecond_are_both_shown() -> None:
    """Edge case 203, from packets to what FFmpeg reads."""
    assert shown(0, 20, 3000, 3030, 3060, 3090, 6000) == [0, 1, 33, 34, 35, 36, 67]


def test_pictures_a_tick_apart_for_long_are_a_file_all_the_same() -> None:
    """Edge case 203, where nobody films: the times are near, and nothing fails."""
    times = shown(*range(3000))

    assert max(times) < 40


@pytest.mark.parametrize("step", [9000, 81_360])
def test_uneven_steps_are_kept(step: int) -> None:
    """Edge case 201: a screen that is shared has a picture when something moves."""
    at = [0, step, step + 3000, 3 * step, 3 * step + 90]

    assert shown(*at) == [round(ticks / 90) for ticks in at]
