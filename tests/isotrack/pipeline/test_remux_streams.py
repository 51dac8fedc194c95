"""Streams that follow each other, lie beside each other, or cannot be played at all."""

from __future__ import annotations

import pytest

from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import TrackType
from tests.isotrack.pipeline.remuxing import made, matroska, of_track, sidecar
from tests.sessions import (
    START_US,
    Datagram,
    Sender,
    Session,
    opus_call,
    opus_packet,
    vp8_call,
)


def test_two_cameras_one_after_the_other_make_one_track() -> None:
    session = Session()
    first, second = Sender(ssrc=1), Sender(ssrc=2, sequence=9)
    later = START_US + 10_000_000
    # The manifest lists them in the wrong order, and the sound goes on throughout.
    session.capture(
        TrackType.VIDEO,
        vp8_call(5, sender=second, start_us=later, timestamp=7, width=640, height=480),
    )
    session.capture(TrackType.AUDIO, opus_call(15))
    session.capture(TrackType.VIDEO, vp8_call(5, sender=first))
    session.seal()

    both = made(session)[2]

    found = matroska(session.store, both)
    assert len(found.tracks) == 2
    pictures = of_track(found.blocks, 1)
    assert len(pictures) == 300
    assert [b.time_ms for b in pictures] == sorted(b.time_ms for b in pictures)
    assert pictures[150].time_ms in (9999, 10_000, 10_001)
    assert [(r.width, r.height) for r in both.resolutions] == [(320, 180), (640, 480)]
    assert both.resolutions[1].at_ms == pictures[150].time_ms
    streams = sidecar(session.store, both).tracks[0].streams
    assert [stream.track_id for stream in streams] == ["t2", "t0"]


@pytest.mark.parametrize("second", ["another SSRC", "a restart of the same SSRC"])
def test_a_microphone_that_begins_anew_in_mid_chunk_stays_one_track(second: str) -> None:
    """The numbers and the clock of the second stream are anywhere."""
    session = Session()
    again = Sender(payload_type=111, ssrc=9 if second == "another SSRC" else 5678, sequence=30_000)
    session.capture(
        TrackType.AUDIO,
        [
            *opus_call(4),
            *opus_call(
                4, sender=again, start_us=START_US + 5_000_000, timestamp=1 << 30, first=200
            ),
        ],
        chunk_us=30_000_000,
    )
    session.seal()

    audio = made(session)[0]

    blocks = matroska(session.store, audio).blocks
    assert len(session.tracks[0].chunks) == 1
    assert [b.frame for b in blocks if len(b.frame) > 3] == [opus_packet(i) for i in range(400)]
    assert [b.time_ms for b in blocks] == [20 * i for i in range(450)]


@pytest.mark.parametrize("chunk_us", [1_000_000, 2_300_000, 30_000_000])
def test_a_camera_that_restarts_in_mid_chunk_goes_on_with_its_first_keyframe(chunk_us: int) -> None:
    session = Session()
    again = Sender(sequence=12_345)
    pictures = vp8_call(4)
    pictures += vp8_call(
        4, sender=again, start_us=START_US + 4_500_000, timestamp=77, width=640, height=360
    )
    session.capture(TrackType.AUDIO, opus_call(9))
    session.capture(TrackType.VIDEO, pictures, chunk_us=chunk_us)
    session.seal()

    both = made(session)[2]

    shown = of_track(matroska(session.store, both).blocks, 1)
    assert [b.time_ms for b in shown] == [
        round(at + i * 1000 / 30) for at in (0, 4500) for i in range(120)
    ]
    assert shown[120].keyframe
    assert [(r.width, r.height, r.at_ms) for r in both.resolutions] == [
        (320, 180, 0),
        (640, 360, 4500),
    ]
    assert len(sidecar(session.store, both).tracks[0].streams) == 2


def hopeless(ssrc: int, start_us: int) -> list[Datagram]:
    """Pictures whose keyframe never comes."""
    return vp8_call(3, sender=Sender(ssrc=ssrc), start_us=start_us, keyframe_every=999)[3:]


@pytest.mark.parametrize("place", ["before", "within", "after"])
def test_a_stream_without_a_decodable_frame_takes_nothing_from_the_one_beside_it(
    place: str,
) -> None:
    at_us = {
        "before": START_US - 4_000_000,
        "within": START_US + 500_000,
        "after": START_US + 6 * 10**6,
    }
    session = Session()
    datagrams = vp8_call(5) + hopeless(7, at_us[place])
    session.capture(TrackType.VIDEO, sorted(datagrams), chunk_us=1_000_000)
    session.seal()

    (video,) = made(session)

    blocks = matroska(session.store, video).blocks
    assert [b.time_ms for b in blocks] == [round(i * 1000 / 30) for i in range(150)]
    assert video.codecs == ("vp8",)
    (track,) = sidecar(session.store, video).tracks
    assert len(track.streams) == 1


def test_a_track_without_a_decodable_frame_leaves_the_other_track() -> None:
    session = Session()
    session.capture(TrackType.VIDEO, hopeless(7, START_US))
    session.capture(TrackType.VIDEO, vp8_call(5))
    session.seal()

    (video,) = made(session)

    assert len(matroska(session.store, video).blocks) == 150


def test_a_microphone_whose_ssrc_changes_in_mid_chunk_stays_one_track() -> None:
    session = Session()
    second = Sender(payload_type=111, ssrc=9, sequence=3)
    session.capture(
        TrackType.AUDIO,
        [
            *opus_call(4),
            *opus_call(4, sender=second, start_us=START_US + 5_000_000, timestamp=3, first=200),
        ],
        chunk_us=30_000_000,
    )
    session.seal()

    audio = made(session)[0]

    blocks = matroska(session.store, audio).blocks
    assert [b.frame for b in blocks if b.frame[1:3] == b"\0\0"] == [
        opus_packet(i) for i in range(400)
    ]
    assert len(blocks) == 450
    assert [b.time_ms for b in blocks] == [20 * i for i in range(450)]


def test_a_change_of_codec_makes_a_further_track_of_the_same_file() -> None:
    session = Session()
    session.capture(TrackType.VIDEO, vp8_call(3))
    overlapping = Sender(ssrc=4)
    session.capture(TrackType.VIDEO, vp8_call(3, sender=overlapping, start_us=START_US + 1_000_000))
    session.seal()

    (video,) = made(session)

    assert video.output_type is OutputType.VIDEO_ONLY
    assert video.codecs == ("vp8", "vp8")
    assert len(of_track(matroska(session.store, video).blocks, 2)) == 90
