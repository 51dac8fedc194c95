from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from isotrack.adapters.checksums import crc32c_of
from isotrack.pipeline.chunks import ChunkReader
from isotrack.pipeline.describing import MAX_RESOLUTIONS, describe, from_unix_us, to_unix_us
from isotrack.pipeline.survey import survey
from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import TrackType
from tests.isotrack.pipeline.remuxing import made, matroska, sidecar
from tests.sessions import START_US, STARTED, Sender, Session, opus_call, vp8_call


def test_times_are_exact_to_the_microsecond() -> None:
    us = START_US + 123_457
    assert to_unix_us(from_unix_us(us)) == us
    assert from_unix_us(1) == datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC)


def session() -> Session:
    source = Session()
    source.capture(TrackType.AUDIO, opus_call(2))
    source.capture(TrackType.VIDEO, vp8_call(2))
    return source


def test_a_file_made_again_keeps_its_name_and_has_a_key_of_its_own() -> None:
    source = session()
    found = survey(source.tracks, ChunkReader(source.store, crc32c_of))

    first = describe(source.seal(), found, OutputType.AUDIO_ONLY)
    second = describe(source.seal(revision=2), found, OutputType.AUDIO_ONLY)

    assert first.filename.endswith("_audio_only_1760000000000.mkv")
    assert second.filename == first.filename
    assert second.key == first.key.replace(first.filename, f"r2/{first.filename}")
    assert first.matroska().head() != second.matroska().head()  # they are two segments


def test_a_file_is_announced_as_it_was_described_and_written() -> None:
    source = session()
    source.seal()

    _, video, _ = made(source, revision=2)  # made again, of what was captured as revision 1

    assert video.revision == 2
    assert video.filename.endswith("_video_only_1760000000000.mkv")
    assert video.key.endswith(f"/r2/{video.filename}")
    assert video.sidecar_key == video.key.removesuffix(".mkv") + ".json"


def test_what_began_before_the_recording_has_a_negative_place_on_its_timeline() -> None:
    source = session()
    found = survey(source.tracks, ChunkReader(source.store, crc32c_of))
    late = source.seal(recording_started_at=STARTED + timedelta(seconds=1))

    description = describe(late, found, OutputType.AUDIO_VIDEO)
    tags = description.matroska().head()

    at = tags.index(b"ISOTRACK_TIMELINE_OFFSET_MS")
    assert b"-998" in tags[at : at + 50]


@pytest.mark.parametrize(("announced", "written"), [(1, 1), (2, 2)])
def test_opus_has_the_channels_that_were_announced(announced: int, written: int) -> None:
    source = Session()
    source.capture(TrackType.AUDIO, opus_call(1), channels=announced)
    found = survey(source.tracks, ChunkReader(source.store, crc32c_of))

    head = describe(source.seal(), found, OutputType.AUDIO_ONLY).matroska().head()

    at = head.index(b"OpusHead")
    assert head[at + 9] == written


def test_more_sizes_than_an_event_holds_are_left_to_the_sidecar() -> None:
    source = Session()
    sender = Sender()
    for i in range(MAX_RESOLUTIONS + 6):
        vp8_call(
            0.1,
            sender=sender,
            start_us=START_US + 100_000 * i,
            timestamp=9000 * i,
            width=100 + i,
            packets=1,
        )
    source.capture(TrackType.VIDEO, sender.sent)
    source.seal()

    (file,) = made(source)

    assert len(file.resolutions) == MAX_RESOLUTIONS
    resolutions = sidecar(source.store, file).tracks[0].resolutions
    assert [size.width for size in resolutions] == [100 + i for i in range(MAX_RESOLUTIONS + 6)]
    assert resolutions[10].at_ms == 1000


def test_the_largest_picture_stands_in_the_header() -> None:
    """Larger by its area: all of it is to fit, and players scale to the header's size."""
    source, sender = Session(), Sender()
    for i, (width, height) in enumerate([(320, 180), (180, 320), (1280, 720), (640, 900)]):
        start_us = START_US + 1_000_000 * i
        vp8_call(
            1, sender=sender, start_us=start_us, timestamp=90_000 * i, width=width, height=height
        )
    source.capture(TrackType.VIDEO, sender.sent)
    source.seal()

    (file,) = made(source)

    (track,) = matroska(source.store, file).tracks
    picture = track.one("Video")
    assert (picture.get("PixelWidth"), picture.get("PixelHeight")) == (1280, 720)
    assert [(r.width, r.height) for r in file.resolutions] == [
        (320, 180), (180, 320), (1280, 720), (640, 900),
    ]  # fmt: skip
