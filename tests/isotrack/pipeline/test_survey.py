from __future__ import annotations

import pytest

from isotrack.adapters.checksums import crc32c_of
from isotrack.adapters.memory import MemoryStore
from isotrack.pipeline.chunks import ChunkReader
from isotrack.pipeline.survey import Survey, survey
from isotrack.recording.manifest import CapturedTrack
from isotrack.recording.tracks import TrackType
from tests.sessions import (
    START_US,
    Datagram,
    Sender,
    Session,
    opus_call,
    vp8_call,
)


def surveyed(session: Session) -> Survey:
    return survey(session.tracks, ChunkReader(session.store, crc32c_of, batch=1))


def test_what_can_be_played_is_found_and_placed() -> None:
    session = Session()
    session.capture(TrackType.AUDIO, opus_call(4))
    session.capture(TrackType.VIDEO, vp8_call(4))

    found = surveyed(session)

    assert found.kinds == {"audio", "video"}
    assert [lane.kind for lane in found.lanes] == ["video", "audio"]
    picture, speech = found.lanes
    assert abs(picture.start_us - START_US - 2000) <= 1
    assert abs(picture.spans[0].last_us - picture.start_us - 119 * 1_000_000 // 30) <= 1
    assert speech.start_us == START_US + 2000  # it came 12 ms later, half a packet is 10 ms
    assert speech.spans[0].last_us - speech.start_us == 3_980_000


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
    session.capture(TrackType.VIDEO, vp8_call(1), mime_type="video/theora")

    found = surveyed(session)

    assert found.unsupported == ["video/theora"]
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
    assert found.tracks[0].openings == {}
    assert found.tracks[0].problem == "no packet of the announced payload type and SSRC came"


class Watching(MemoryStore):
    """Notes which objects were read whole."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        super().__init__()
        self.objects = objects
        self.wholes: list[str] = []

    def read_into(self, key: str, buffer: memoryview) -> int:
        self.wholes.append(key)
        return super().read_into(key, buffer)


def large(session: Session, datagrams: list[Datagram]) -> CapturedTrack:
    """Video in chunks so large that each is worked on alone."""
    track = session.capture(TrackType.VIDEO, datagrams, chunk_us=3_000_000)
    return track


def test_media_is_read_until_a_frame_was_shown_and_no_further() -> None:
    session = Session()
    track = large(session, vp8_call(30, size=10_000))
    store = Watching(session.store.objects)

    found = survey(session.tracks, ChunkReader(store, crc32c_of, batch=1))

    assert store.wholes == [track.chunks[0].key]
    (opening,) = found.tracks[0].openings.values()
    assert (opening.width, opening.height) == (320, 180)
    assert opening.timestamp % 2**32 == 2**32 - 900


def test_media_is_read_until_every_stream_has_shown_a_frame() -> None:
    session = Session()
    second = Sender(ssrc=77)
    later = vp8_call(6, sender=second, start_us=START_US + 12_000_000, size=10_000, width=640)
    track = large(session, vp8_call(12, size=10_000) + later)
    store = Watching(session.store.objects)

    found = survey(session.tracks, ChunkReader(store, crc32c_of, batch=1))

    assert store.wholes == [chunk.key for chunk in track.chunks[:5]]
    assert [each.width for each in found.tracks[0].openings.values()] == [320, 640]


def test_media_is_read_up_to_the_first_keyframe_however_late_it_comes() -> None:
    session = Session()
    sent = vp8_call(15, size=10_000, keyframe_every=300)[3:]
    track = large(session, sent)
    store = Watching(session.store.objects)

    found = survey(session.tracks, ChunkReader(store, crc32c_of, batch=1))

    assert store.wholes == [chunk.key for chunk in track.chunks[:4]]
    (opening,) = found.tracks[0].openings.values()
    assert opening.timestamp - (2**32 - 900) == 300 * 3000


def test_the_last_frame_is_known_without_any_media() -> None:
    session = Session()
    large(session, vp8_call(30, size=10_000))

    ((picture,),) = (lane.spans for lane in surveyed(session).lanes)

    assert abs(picture.last_us - picture.start_us - 899 * 1_000_000 // 30) <= 1


@pytest.mark.parametrize("damage", ["trailer", "body"])
def test_damage_leaves_streams_their_ordinals(damage: str) -> None:
    session = Session()
    second = Sender(ssrc=77)
    later = vp8_call(6, sender=second, start_us=START_US + 6_000_000, size=10_000)
    track = large(session, vp8_call(6, size=10_000) + later)
    whole = surveyed(session).lanes
    for chunk in track.chunks:
        body = bytearray(session.store.objects[chunk.key])
        body[-5 if damage == "trailer" else 400_000] ^= 1
        session.store.put(chunk.key, bytes(body))
    reader = ChunkReader(session.store, crc32c_of, batch=1)

    (lane,) = survey(session.tracks, reader).lanes

    assert [(s.track, s.stream) for s in lane.spans] == [(0, 0), (0, 1)]
    for span, intact in zip(lane.spans, whole[0].spans, strict=True):
        # Without the trailer arrival is known to the millisecond.
        assert abs(span.start_us - intact.start_us) <= (1000 if damage == "trailer" else 0)
    # What is read only for its end is not checked.
    read = len(track.chunks) if damage == "trailer" else 3
    assert [missing.problem for missing in reader.missing.values()] == ["corrupt"] * read


def test_the_last_frame_that_is_left_of_a_stream_opens_it() -> None:
    session = Session()
    track = session.capture(TrackType.VIDEO, vp8_call(1), chunk_us=30_000)
    for chunk in track.chunks[1:]:  # nothing is left of them but their trailers
        body = session.store.objects[chunk.key]
        session.store.put(chunk.key, body[-int.from_bytes(body[-4:], "big") :])
    reader = ChunkReader(session.store, crc32c_of, batch=1)

    (lane,) = survey(session.tracks, reader).lanes

    assert lane.kind == "video"
    assert {missing.problem for missing in reader.missing.values()} == {"torn"}
