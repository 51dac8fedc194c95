from __future__ import annotations

from datetime import UTC, datetime, timedelta

import google_crc32c
import pytest

from isotrack.pipeline.chunks import ChunkReader
from isotrack.pipeline.describing import MAX_RESOLUTIONS, describe, from_unix_us, to_unix_us
from isotrack.pipeline.survey import survey
from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import TrackType
from tests.sessions import START_US, STARTED, Sender, Session, opus_call, vp8_call


def test_times_are_exact_to_the_microsecond() -> None:
    us = START_US + 123_457
    assert to_unix_us(from_unix_us(us)) == us
    assert from_unix_us(1) == datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC)


def session() -> Session:
    made = Session()
    made.capture(TrackType.AUDIO, opus_call(2))
    made.capture(TrackType.VIDEO, vp8_call(2))
    return made


def test_a_revision_is_in_the_names_from_the_second_on() -> None:
    made = session()
    found = survey(made.tracks, ChunkReader(made.store, google_crc32c.value))

    first = describe(made.seal(), found, OutputType.AUDIO_ONLY).call_file
    second = describe(made.seal(revision=2), found, OutputType.AUDIO_ONLY).call_file

    assert first.filename.endswith("_audio_only_1760000000000.mkv")
    assert second.filename.endswith("_audio_only_1760000000000.r2.mkv")
    assert second.sidecar_key.endswith(".r2.json")
    assert second.revision == 2


def test_what_began_before_the_recording_has_a_negative_place_on_its_timeline() -> None:
    made = session()
    found = survey(made.tracks, ChunkReader(made.store, google_crc32c.value))
    late = made.seal(recording_started_at=STARTED + timedelta(seconds=1))

    assert describe(late, found, OutputType.AUDIO_VIDEO).call_file.timeline_offset_ms == -998


@pytest.mark.parametrize(("announced", "written"), [(1, 1), (2, 2), (6, 2)])
def test_opus_of_more_channels_than_rtp_has_is_stereo(announced: int, written: int) -> None:
    made = Session()
    made.capture(TrackType.AUDIO, opus_call(1), channels=announced)
    found = survey(made.tracks, ChunkReader(made.store, google_crc32c.value))

    head = describe(made.seal(), found, OutputType.AUDIO_ONLY).matroska().head()

    at = head.index(b"OpusHead")
    assert head[at + 9] == written


def test_more_sizes_than_an_event_holds_are_left_to_the_sidecar() -> None:
    made = Session()
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
    made.capture(TrackType.VIDEO, sender.sent)
    found = survey(made.tracks, ChunkReader(made.store, google_crc32c.value))

    description = describe(made.seal(), found, OutputType.VIDEO_ONLY)

    assert len(description.call_file.resolutions) == MAX_RESOLUTIONS
    assert [size.width for size in description.resolutions] == [
        100 + i for i in range(MAX_RESOLUTIONS + 6)
    ]
    assert description.resolutions[10].at_ms == 1000
