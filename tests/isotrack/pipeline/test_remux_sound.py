"""Sound in files: silence where there is none, so that everything plays where it belongs."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import pairwise

import av
import numpy as np
import pytest

from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import TrackType
from tests.isotrack.pipeline.remuxing import call, made, matroska, of_track, sidecar
from tests.sessions import START_US, Datagram, Sender, Session, opus_call, opus_packet, vp8_call

HOUR_S = 3600


def beeping_audio(seconds: int, beeps_at: Sequence[int]) -> list[bytes]:
    """Real Opus: silence, with 200 ms of tone at these seconds."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "stereo", "s16"
    packets: list[bytes] = []
    for i in range(seconds * 50):
        at = np.arange(i * 960, (i + 1) * 960)
        loud = i // 50 in beeps_at and i % 50 < 10
        tone = (12_000 * loud * np.sin(at * 440 * 2 * np.pi / 48_000)).astype(np.int16)
        sound = av.AudioFrame.from_ndarray(
            np.repeat(tone, 2).reshape(1, -1), format="s16", layout="stereo"
        )
        sound.sample_rate, sound.pts = 48_000, i * 960
        packets += map(bytes, encoder.encode(sound))
    return packets


def sparse_sound(packets: Sequence[bytes], sent: Sequence[bool], *, dtx: bool) -> list[Datagram]:
    """Those of the packets that are sent; the others are lost, or never numbered with DTX."""
    sender = Sender(payload_type=111, ssrc=5678)
    for i, packet in enumerate(packets):
        if sent[i]:
            sender.send(960 * i, packet, arrival_us=START_US + 20_000 * i + 12_000)
        elif not dtx:
            sender.sequence += 1
    return sender.sent


@pytest.mark.parametrize("dtx", [True, False], ids=["dtx", "loss"])
def test_players_that_ignore_timestamps_hear_every_tone_where_it_belongs(dtx: bool) -> None:
    packets = beeping_audio(12, beeps_at=[1, 6, 11])
    sent = [not (100 <= i < 300 or 340 <= i < 550) for i in range(len(packets))]
    session = Session()
    session.capture(TrackType.AUDIO, sparse_sound(packets, sent, dtx=dtx))
    session.seal()

    (file,) = made(session)[:1]

    with av.open(io.BytesIO(session.store.objects[file.key])) as container:
        samples = [frame.to_ndarray() for frame in container.decode(audio=0)]
    level = np.abs(np.concatenate([s[0] for s in samples]))
    assert abs(len(level) / 48_000 - len(packets) * 0.02) < 0.02
    loud = np.flatnonzero(level > 0.1) / 48_000
    starts = loud[np.concatenate(([True], np.diff(loud) > 0.5))]
    assert np.abs(starts - [1.007, 6.007, 11.007]).max() < 0.02  # the encoder's own delay is 6.5 ms
    (track,) = sidecar(session.store, file).tracks
    assert [(f.start_ms, f.end_ms, f.reason) for f in track.filled] == [
        (2000, 6000, "silent" if dtx else "lost"),
        (6800, 11_000, "silent" if dtx else "lost"),
    ]


def test_a_microphone_that_comes_in_late_is_led_in_with_silence_beside_the_picture() -> None:
    session = Session()
    session.capture(TrackType.AUDIO, opus_call(5, start_us=START_US + 60_000_000))
    session.capture(TrackType.VIDEO, vp8_call(70))
    session.seal()

    audio, _, both = made(session)

    speech = of_track(matroska(session.store, both).blocks, 2)
    assert [b.time_ms for b in speech[:2]] == [0, 20]
    assert [b.frame for b in speech[3000:3250]] == [opus_packet(i) for i in range(250)]
    assert max(b.time_ms - a.time_ms for a, b in pairwise(speech)) <= 21
    assert audio.timeline_offset_ms == 60_002
    assert matroska(session.store, audio).blocks[0].frame == opus_packet(0)
    fills = sidecar(session.store, both).tracks[1].filled
    assert [(f.start_ms, f.end_ms, f.reason) for f in fills] == [
        (0, 60_000, "silent"),
        (65_000, 69_967, "silent"),
    ]
    (end,) = sidecar(session.store, audio).tracks[0].filled
    assert (end.start_ms, end.end_ms, end.reason) == (5000, 9967, "silent")


def test_a_microphone_that_ends_early_is_silent_beside_the_picture_to_its_end() -> None:
    """Edge case 196 and edge case 214: the file is as long as what lasts longest."""
    session = Session()
    session.capture(TrackType.AUDIO, opus_call(5))
    session.capture(TrackType.VIDEO, vp8_call(95))
    session.seal()

    audio, video, both = made(session)

    blocks = matroska(session.store, both).blocks
    assert [b.time_ms for b in blocks] == sorted(b.time_ms for b in blocks)
    speech = of_track(blocks, 2)
    assert [b.time_ms for b in speech] == [20 * i for i in range(len(speech))]
    assert 94_947 <= speech[-1].time_ms <= 94_967
    assert both.duration_ms == video.duration_ms == 95_000
    assert both.duration_ms - 40 < audio.duration_ms <= both.duration_ms
    (fill,) = sidecar(session.store, both).tracks[1].filled
    assert (fill.start_ms, fill.end_ms, fill.reason) == (5000, 94_967, "silent")


def test_sound_that_ends_with_the_picture_gets_no_silence() -> None:
    session = call(output_types=(OutputType.AUDIO_ONLY,))
    session.tracks.pop()
    session.seal()

    (audio,) = made(session)

    assert len(matroska(session.store, audio).blocks) == 600
    assert audio.duration_ms == 12_000
    assert sidecar(session.store, audio).tracks[0].filled == ()


def test_two_microphones_at_once_are_silent_while_only_the_other_is_there() -> None:
    session = Session(output_types=(OutputType.AUDIO_ONLY,))
    session.capture(TrackType.AUDIO, opus_call(30))
    other = Sender(payload_type=111, ssrc=6)
    session.capture(TrackType.AUDIO, opus_call(5, sender=other, start_us=START_US + 10_000_000))
    session.seal()

    (audio,) = made(session)

    blocks = matroska(session.store, audio).blocks
    assert [b.time_ms for b in blocks] == sorted(b.time_ms for b in blocks)
    for number in (1, 2):
        assert [b.time_ms for b in of_track(blocks, number)] == [20 * i for i in range(1500)]
    assert [len(track.filled) for track in sidecar(session.store, audio).tracks] == [0, 2]


def test_a_long_mute_does_not_disturb_the_order_of_the_file() -> None:
    session = Session()
    sender = Sender(payload_type=111, ssrc=5678)
    opus_call(5, sender=sender)
    opus_call(
        5, sender=sender, start_us=START_US + 95_000_000, timestamp=2**32 - 4800 + 48_000 * 95
    )
    session.capture(TrackType.AUDIO, sender.sent, chunk_us=30_000_000)
    session.capture(TrackType.VIDEO, vp8_call(100))
    session.seal()

    both = made(session)[2]

    blocks = matroska(session.store, both).blocks
    times = [block.time_ms for block in blocks]
    assert times == sorted(times)
    assert len(of_track(blocks, 2)) == 5000


def test_an_hour_of_mute_is_an_hour_of_silence() -> None:
    session = Session()
    sender = Sender(payload_type=111, ssrc=5678)
    opus_call(1, sender=sender)
    later_us, ticks = START_US + HOUR_S * 1_000_000, HOUR_S * 48_000
    opus_call(1, sender=sender, start_us=later_us, timestamp=2**32 - 4800 + ticks, first=50)
    session.capture(TrackType.AUDIO, sender.sent)
    session.seal()

    (audio,) = made(session)

    blocks = matroska(session.store, audio).blocks
    assert [b.time_ms for b in blocks] == [20 * i for i in range(HOUR_S * 50 + 50)]
    assert [b.frame for b in blocks if len(b.frame) > 3] == [opus_packet(i) for i in range(100)]
    assert audio.duration_ms == (HOUR_S + 1) * 1000
