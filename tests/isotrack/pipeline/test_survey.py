from __future__ import annotations

import google_crc32c
import numpy as np

from isotrack.media.frames import Frames
from isotrack.pipeline.chunks import ChunkReader
from isotrack.pipeline.survey import Extent, Survey, survey
from isotrack.recording.tracks import TrackType
from tests.sessions import (
    START_US,
    Sender,
    Session,
    opus_call,
    vp8_call,
)


def surveyed(session: Session) -> Survey:
    return survey(session.tracks, ChunkReader(session.store, google_crc32c.value))


def test_what_can_be_played_is_found_and_placed() -> None:
    session = Session()
    session.capture(TrackType.AUDIO, opus_call(4))
    session.capture(TrackType.VIDEO, vp8_call(4))

    found = surveyed(session)

    assert found.kinds == {"audio", "video"}
    assert [lane.kind for lane in found.lanes] == ["video", "audio"]
    picture, speech = found.lanes
    assert abs(picture.start_us - START_US - 2000) <= 1
    assert picture.end_us - picture.start_us == 4_000_000
    assert speech.start_us == START_US + 2000  # it came 12 ms later, half a packet is 10 ms
    assert speech.end_us - speech.start_us == 4_000_000


def test_how_a_track_is_chunked_changes_nothing_of_what_is_found() -> None:
    found = []
    for chunk_us in (1, 100_000, 10_000_000):
        session = Session()
        session.capture(TrackType.AUDIO, opus_call(2), chunk_us=chunk_us)
        session.capture(TrackType.VIDEO, vp8_call(2), chunk_us=chunk_us)
        found.append(surveyed(session).lanes)

    assert found[0] == found[1] == found[2]


def test_video_without_a_keyframe_is_not_video() -> None:
    session = Session()
    session.capture(TrackType.AUDIO, opus_call(2))
    session.capture(TrackType.VIDEO, vp8_call(2, keyframe_every=10_000)[3:])

    assert surveyed(session).kinds == {"audio"}


def test_a_codec_that_cannot_be_remuxed_is_named() -> None:
    session = Session()
    session.capture(TrackType.VIDEO, vp8_call(1), mime_type="video/AV1")

    found = surveyed(session)

    assert found.unsupported == ["video/av1"]
    assert found.lanes == []


def test_a_camera_published_again_goes_on_in_the_same_lane() -> None:
    session = Session()
    again = Sender(ssrc=77)
    session.capture(TrackType.VIDEO, vp8_call(2))
    session.capture(
        TrackType.VIDEO, vp8_call(2, sender=again, start_us=START_US + 5_000_000, timestamp=99)
    )

    (lane,) = surveyed(session).lanes

    assert [(span.track, span.stream) for span in lane.spans] == [(0, 0), (1, 0)]


def test_a_track_of_nothing_gives_nothing() -> None:
    session = Session()
    session.capture(TrackType.VIDEO, [])

    found = surveyed(session)

    assert found.lanes == []
    assert found.tracks[0].counts.received == 0


def extent(*timestamps: int, batch: int) -> Extent:
    """The extent of pictures at these times, seen in batches of so many."""
    seen = Extent()
    for at in range(0, len(timestamps), batch):
        times = np.array(timestamps[at : at + batch])
        nothing, no = np.zeros(len(times), np.int64), np.zeros(len(times), np.bool_)
        buffer = np.zeros(0, np.uint8)
        seen.add(Frames(times, nothing, no, no, nothing, nothing, nothing, buffer), 90_000)
    return seen


def test_the_last_picture_lasts_as_long_as_the_one_before_it() -> None:
    for batch in (1, 2, 5):
        assert extent(0, 3000, 6000, 12_000, batch=batch) == Extent(0, 12_000, 6000, 0, 4)


def test_a_single_picture_lasts_a_thirtieth_of_a_second() -> None:
    assert extent(500, batch=1) == Extent(500, 500, 3000, 0, 1)


def test_a_picture_never_lasts_longer_than_a_second_for_want_of_a_next_one() -> None:
    assert extent(0, 900_000, batch=1).length == 90_000
