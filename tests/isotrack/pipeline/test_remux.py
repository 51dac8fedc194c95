"""What is in the files of a source, and what is said about them."""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta

import av
import pytest

from isotrack.adapters.memory import MemoryStore
from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import Source, TrackType
from tests.isotrack.pipeline.remuxing import call, demuxed, made, matroska, of_track, sidecar
from tests.sessions import (
    PARTICIPANT_OUTPUTS,
    START_US,
    STARTED,
    Sender,
    Session,
    delayed,
    opus_call,
    opus_packet,
    report,
    vp8_call,
)


def test_three_files_of_one_reading_have_the_same_packets() -> None:
    session = call()

    audio, video, both = (matroska(session.store, file).blocks for file in made(session))

    # Video begins half a second later: in its own file it is at 0, beside the sound at 500 ms.
    pictures, speech = of_track(both, 1), of_track(both, 2)
    assert [b.frame for b in pictures] == [b.frame for b in video]
    assert [b.frame for b in speech] == [b.frame for b in audio]
    assert {b.time_ms - a.time_ms for a, b in zip(video, pictures, strict=True)} <= {499, 500, 501}
    assert [b.time_ms for b in speech] == [b.time_ms for b in audio]
    assert len(pictures) == 360
    assert [b.frame for b in speech[:600]] == [opus_packet(i) for i in range(600)]


def test_what_was_muxed_is_what_ffmpeg_reads() -> None:
    session = call()

    for file in made(session):
        blocks = matroska(session.store, file).blocks
        assert [tuple(packet) for packet in demuxed(session.store, file)] == list(
            map(tuple, blocks)
        )
        with av.open(io.BytesIO(session.store.objects[file.key])) as container:
            assert container.duration == file.duration_ms * 1000


def test_files_say_when_they_began_and_where_they_belong() -> None:
    session = call()

    audio, video, both = made(session)

    for file, offset_ms in ((audio, 1002), (video, 1502), (both, 1002)):
        assert file.timeline_offset_ms == offset_ms
        assert abs(file.start_time - STARTED - timedelta(milliseconds=offset_ms)) < timedelta(
            milliseconds=1
        )
        date = matroska(session.store, file).info.get("DateUTC")
        assert isinstance(date, int)
        since = timedelta(microseconds=(date // 1000) + 978_307_200_000_000 - START_US)
        assert STARTED + since == file.start_time
    # Sound goes on, silent, until the last picture is there.
    assert (audio.duration_ms, video.duration_ms, both.duration_ms) == (12_480, 12_000, 12_500)
    assert abs(both.end_time - both.start_time - timedelta(milliseconds=12_500)) < timedelta(
        milliseconds=1
    )


def test_size_and_digest_are_those_of_the_object() -> None:
    session = call()

    for file in made(session):
        body = session.store.objects[file.key]
        assert file.size_bytes == len(body)
        assert file.sha256 == hashlib.sha256(body).hexdigest()
        assert session.store.content_types[file.key] == "video/x-matroska"
        assert sidecar(session.store, file).file == file
        assert file.complete
        assert not file.fallback


def test_the_same_chunks_give_the_same_bytes() -> None:
    """Edge case 219: no clock, no chance."""
    session = call()
    first, second = MemoryStore(), MemoryStore()

    made(session, first)
    made(session, second)

    assert first.objects == second.objects
    assert len(first.objects) == 6


def test_how_a_call_is_chunked_leaves_the_files_as_they_are() -> None:
    """Edge case 219, over another cutting; the sidecars differ, which list the chunks."""
    stores = []
    for chunk_us in (300_000, 3_000_000, 30_000_000):
        store = MemoryStore()
        made(call(chunk_us=chunk_us), store)
        stores.append({k: body for k, body in store.objects.items() if k.endswith(".mkv")})

    assert stores[0] == stores[1] == stores[2]


@pytest.mark.parametrize("output", [*PARTICIPANT_OUTPUTS])
def test_each_of_three_files_is_as_if_it_were_the_only_one(output: OutputType) -> None:
    """Block headers are written into frames that all files share: none may see another's."""
    together, alone = call(40), call(40, output_types=(output,))

    made(together)
    (file,) = made(alone)

    assert file.output_type is output
    assert together.store.objects[file.key] == alone.store.objects[file.key]


def test_files_of_several_lanes_share_frames_and_not_their_headers() -> None:
    """Two cameras and two microphones at once: numbers and times differ from file to file."""
    session = Session()
    for i in range(2):
        sounds, pictures = Sender(payload_type=111, ssrc=10 + i), Sender(ssrc=20 + i)
        start_us = START_US + 700_000 * i
        sound = opus_call(35, sender=sounds, start_us=start_us, first=1000 * i)
        session.capture(TrackType.AUDIO, sound, chunk_us=3_000_000 + i)
        session.capture(
            TrackType.VIDEO, vp8_call(35, sender=pictures, start_us=start_us, size=50 + i)
        )
    session.seal()

    audio, video, both = (matroska(session.store, file) for file in made(session))

    assert [len(found.tracks) for found in (audio, video, both)] == [2, 2, 4]
    for number in (1, 2):
        assert of_track(both.blocks, number) == of_track(video.blocks, number)
        own, shared = (
            [b for b in of_track(blocks, at) if len(b.frame) > 3]  # what is no silence
            for blocks, at in ((audio.blocks, number), (both.blocks, number + 2))
        )
        assert [b.frame for b in own] == [b.frame for b in shared]
        first = 1000 * (number - 1)
        assert [b.frame for b in own] == [opus_packet(first + i) for i in range(1750)]
        # The file with pictures begins a little earlier.
        assert {b.time_ms - a.time_ms for a, b in zip(own, shared, strict=True)} <= {0, 1, 2}


def test_screenshare_is_a_source_of_its_own() -> None:
    session = Session(output_types=(*OutputType,))
    session.capture(TrackType.VIDEO, vp8_call(2))
    session.capture(TrackType.SCREENSHARE_VIDEO, vp8_call(3, sender=Sender(ssrc=8)))
    session.seal()

    (camera,) = made(session)
    (screen,) = made(session, source=Source.SCREENSHARE)

    assert camera.output_type is OutputType.VIDEO_ONLY
    assert screen.output_type is OutputType.SCREENSHARE_VIDEO_ONLY
    assert (camera.duration_ms, screen.duration_ms) == (2000, 3000)


def test_only_sound_where_both_were_asked_for_is_a_fallback() -> None:
    session = Session(output_types=(OutputType.AUDIO_VIDEO,))
    session.capture(TrackType.AUDIO, opus_call(2))
    session.capture(TrackType.VIDEO, vp8_call(2, keyframe_every=999)[3:])
    session.seal()

    (file,) = made(session)

    assert file.output_type is OutputType.AUDIO_ONLY
    assert file.fallback


def test_sender_reports_are_used_and_told_of() -> None:
    # The picture takes 80 ms to encode: only reports can tell.
    speech, picture = opus_call(10), [delayed(each, 80_000) for each in vp8_call(10)]
    for second in range(10):
        at = START_US + second * 1_000_000
        speech.append(report(at, 2**32 - 4800 + 48_000 * second, arrival_us=at + 2000, ssrc=5678))
        picture.append(report(at, 2**32 - 900 + 90_000 * second, arrival_us=at + 2000, ssrc=1234))
    session = Session()
    session.capture(TrackType.AUDIO, sorted(speech))
    session.capture(TrackType.VIDEO, sorted(picture))
    session.seal()

    both = made(session)[2]

    firsts = {b.track: b.time_ms for b in reversed(matroska(session.store, both).blocks)}
    assert firsts == {1: 0, 2: 0}
    picture_track, speech_track = sidecar(session.store, both).tracks
    (stream,) = picture_track.streams
    assert stream.clock.basis == "sender_reports"
    assert stream.clock.reports == 10
    assert abs(stream.clock.lag_ms - 80) < 1
    assert abs(speech_track.streams[0].clock.lag_ms) < 1


def test_titles_and_tags_name_the_call_and_the_participant() -> None:
    session = call()

    file = made(session)[2]

    found = matroska(session.store, file)
    tags = {
        tag.get("TagName"): tag.get("TagString")
        for tag in found.segment.one("Tags").one("Tag").all("SimpleTag")
    }
    assert found.info.get("Title") == "alice in default:standup: audio_video"
    assert tags["ISOTRACK_CALL_CID"] == "default:standup"
    assert tags["ISOTRACK_USER_SESSION_ID"] == "us-alice"
    assert tags["ISOTRACK_START_TIME"] == file.start_time.isoformat()
    assert tags["ISOTRACK_TIMELINE_OFFSET_MS"] == str(file.timeline_offset_ms)
    assert [track.get("Name") for track in found.tracks] == ["video", "audio"]
