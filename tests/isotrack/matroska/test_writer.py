"""Files as read by FFmpeg (through PyAV) and by a strict reader of our own."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isotrack.matroska.tags import Tag
from isotrack.matroska.tracks import TrackEntry, avc, opus, vp8
from isotrack.matroska.writer import CLUSTER_HEADER_SIZE, MatroskaWriter
from tests.ebml_reader import read_matroska
from tests.isotrack.matroska.recording import (
    OPUS_HEAD_STEREO,
    SEGMENT_UID,
    START_NS,
    Frame,
    avcc_of,
    demux,
    encode_opus,
    encode_video,
    mux_with_pyav,
    to_avcc,
    write_cluster,
    write_file,
)

CAMERA = vp8(1, 11, 320, 240, name="Camera")
MICROPHONE = opus(2, 22, 2, OPUS_HEAD_STEREO, name="Microphone")
TICK = TrackEntry(1, 1, "audio", "A_OPUS", OPUS_HEAD_STEREO, "", 0, 0, 48_000.0, 2)


@pytest.fixture(scope="module")
def camera() -> list[Frame]:
    return encode_video("libvpx", 320, 240, 150)


@pytest.fixture(scope="module")
def h264() -> list[Frame]:
    """As Annex B."""
    return encode_video("libx264", 320, 240, 150)


@pytest.fixture(scope="module")
def sound() -> list[Frame]:
    return encode_opus(300)


def writer_of(*tracks: TrackEntry, title: str = "") -> MatroskaWriter:
    return MatroskaWriter(
        tracks or (TICK,),
        start_ns=START_NS,
        title=title,
        segment_uid=SEGMENT_UID,
    )


class TestPackets:
    def test_vp8_and_opus_come_out_as_they_went_in(
        self, camera: list[Frame], sound: list[Frame]
    ) -> None:
        file = write_file([CAMERA, MICROPHONE], camera + sound, duration_ms=6000)
        assert sum(frame.keyframe for frame in camera) >= 6
        assert demux(file, "video") == camera
        assert demux(file, "audio") == sound
        assert sorted(read_matroska(file).blocks) == sorted(camera + sound)

    def test_h264_comes_out_as_it_went_in(self, h264: list[Frame]) -> None:
        frames = to_avcc(h264)
        file = write_file([avc(1, 11, 320, 240, avcc_of(h264[0]))], frames, duration_ms=6000)
        assert demux(file) == frames
        with av.open(io.BytesIO(file)) as container:
            pictures = list(container.decode(video=0))
        assert [picture.pts for picture in pictures] == [frame.time_ms for frame in frames]

    def test_a_file_of_ffmpeg_holds_the_same_packets(
        self, camera: list[Frame], h264: list[Frame], sound: list[Frame]
    ) -> None:
        size = {"width": 320, "height": 240}
        theirs = mux_with_pyav("vp8", camera, **size)
        assert demux(theirs) == demux(write_file([CAMERA], camera, duration_ms=6000))
        theirs = mux_with_pyav("h264", h264, **size)
        track = avc(1, 11, 320, 240, avcc_of(h264[0]))
        assert demux(theirs) == demux(write_file([track], to_avcc(h264), duration_ms=6000))
        theirs = mux_with_pyav("opus", sound, rate=48_000)
        frames = [frame._replace(track=1) for frame in sound]
        ours = write_file([MICROPHONE._replace(number=1)], frames, duration_ms=6000)
        assert demux(theirs) == demux(ours)

    def test_the_avc_configuration_is_the_one_ffmpeg_makes(self, h264: list[Frame]) -> None:
        theirs = mux_with_pyav("h264", h264, width=320, height=240)
        file = write_file([avc(1, 11, 320, 240, avcc_of(h264[0]))], to_avcc(h264), duration_ms=1)
        with av.open(io.BytesIO(theirs)) as a, av.open(io.BytesIO(file)) as b:
            assert a.streams[0].codec_context.extradata == b.streams[0].codec_context.extradata

    @pytest.mark.parametrize("codec", ["libvpx", "libx264"])
    def test_a_resolution_that_changes_in_mid_file_is_decoded(self, codec: str) -> None:
        wide = encode_video(codec, 320, 180, 30)
        tall = encode_video(codec, 180, 320, 30, start_ms=1200)
        if codec == "libvpx":
            track, frames = vp8(1, 1, 320, 180), wide + tall
        else:
            track, frames = avc(1, 1, 320, 180, avcc_of(wide[0])), to_avcc(wide + tall)
        file = write_file([track], frames, duration_ms=2400)
        assert demux(file) == frames
        with av.open(io.BytesIO(file)) as container:
            sizes = [(picture.width, picture.height) for picture in container.decode(video=0)]
        assert sizes == [(320, 180)] * 30 + [(180, 320)] * 30


class TestHeader:
    def test_ffmpeg_reads_what_the_tracks_are(
        self, camera: list[Frame], sound: list[Frame]
    ) -> None:
        file = write_file([CAMERA, MICROPHONE], camera + sound, duration_ms=6017)
        with av.open(io.BytesIO(file)) as container:
            video, audio = container.streams
            assert container.duration == 6_017_000
            assert (video.codec_context.name, video.width, video.height) == ("vp8", 320, 240)
            assert (audio.codec_context.name, audio.rate, audio.channels) == ("opus", 48_000, 2)
            assert audio.codec_context.extradata == OPUS_HEAD_STEREO
            assert audio.start_time == 0
            assert video.metadata["title"] == "Camera"
            assert "language" not in audio.metadata

    def test_ffmpeg_reads_title_date_and_tags(self, sound: list[Frame]) -> None:
        tags = [
            Tag("ISOTRACK_CALL_CID", "default:Straße & 橋"),
            Tag("ISOTRACK_TRACK_ID", "mic-1", track_uid=22),
            Tag("ISOTRACK_USER_ID", "alice"),
        ]
        file = write_file([MICROPHONE], sound, duration_ms=6000, title="Alice — café", tags=tags)
        with av.open(io.BytesIO(file)) as container:
            assert container.metadata["title"] == "Alice — café"
            assert container.metadata["ISOTRACK_CALL_CID"] == "default:Straße & 橋"
            assert container.metadata["ISOTRACK_USER_ID"] == "alice"
            assert container.metadata["creation_time"] == "2023-11-14T22:13:20.123456Z"
            assert container.streams[0].metadata["ISOTRACK_TRACK_ID"] == "mic-1"

    def test_it_is_what_the_standard_wants(self, sound: list[Frame]) -> None:
        file = write_file([MICROPHONE], sound, duration_ms=6000)
        read = read_matroska(file)
        assert [child.name for child in read.segment.children[:4]] == [
            "SeekHead", "Info", "Tracks", "Void",
        ]  # fmt: skip
        assert read.info.get("TimestampScale") == 1_000_000
        assert read.info.get("Duration") == 6000.0
        assert read.info.get("SegmentUUID") == SEGMENT_UID
        assert read.info.get("MuxingApp") == read.info.get("WritingApp") == "Isotrack"
        since_2001 = timedelta(microseconds=int(str(read.info.get("DateUTC"))) // 1000)
        assert datetime(2001, 1, 1, tzinfo=UTC) + since_2001 == datetime(
            2023, 11, 14, 22, 13, 20, 123456, UTC
        )
        (track,) = read.tracks
        assert track.get("SeekPreRoll") == 80_000_000
        assert track.get("CodecDelay", "none") == "none"
        assert track.get("Language") == "und"
        assert track.get("FlagLacing") == 0
        assert track.one("Audio").get("SamplingFrequency") == 48_000.0

    def test_the_same_input_gives_the_same_bytes(self, camera: list[Frame]) -> None:
        files = {write_file([CAMERA], camera, duration_ms=6000) for _ in range(2)}
        assert len(files) == 1

    def test_a_file_without_any_frame_is_a_file(self) -> None:
        writer = writer_of()
        writer.head()
        tail, head = writer.finish([TICK], 0)
        read = read_matroska(head + tail)
        assert (read.blocks, read.cues) == ([], [])
        with av.open(io.BytesIO(head + tail)) as container:
            assert [stream.type for stream in container.streams] == ["audio"]

    def test_a_file_whose_writer_died_is_read_as_far_as_it_goes(self, camera: list[Frame]) -> None:
        writer = writer_of(CAMERA)
        first = [frame for frame in camera if frame.time_ms < 1000]
        file = writer.head() + write_cluster(writer, 0, first, {1})
        assert demux(file) == first

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"tracks": []}, "tracks of different numbers"),
            ({"tracks": [TICK, TICK]}, "tracks of different numbers"),
            ({"segment_uid": b"short"}, "16 bytes"),
            ({"title": "a\0b"}, "NUL"),
        ],
    )
    def test_what_cannot_be_written_is_refused(
        self, changes: dict[str, object], message: str
    ) -> None:
        arguments: dict[str, object] = {
            "tracks": [TICK], "start_ns": START_NS, "title": "", "segment_uid": SEGMENT_UID,
        }  # fmt: skip
        with pytest.raises(ValueError, match=message):
            MatroskaWriter(**(arguments | changes))  # type: ignore[arg-type]


class TestWhatIsKnownLast:
    def test_the_largest_picture_and_the_duration_stand_in_a_head_of_the_same_length(
        self, camera: list[Frame]
    ) -> None:
        writer = writer_of(CAMERA)
        first = writer.head()
        body = write_cluster(writer, 0, camera[:5], {1})
        tail, head = writer.finish([vp8(1, 11, 16_383, 8640, name="Camera")], 200)
        assert len(head) == len(first)
        read = read_matroska(head + body + tail)
        assert read.blocks == camera[:5]
        assert read.info.get("Duration") == 200.0
        picture = read.tracks[0].one("Video")
        assert (picture.get("PixelWidth"), picture.get("PixelHeight")) == (16_383, 8640)

    def test_the_smallest_picture_has_as_long_a_head_as_the_largest(self) -> None:
        heads = {
            len(
                MatroskaWriter(
                    [vp8(1, 1, *size)], start_ns=0, title="", segment_uid=SEGMENT_UID
                ).head()
            )
            for size in ((1, 1), (255, 256), (65_535, 65_535))
        }
        assert len(heads) == 1

    def test_a_duration_before_the_start_is_refused(self) -> None:
        with pytest.raises(ValueError, match="a duration of -1 ms"):
            writer_of().finish([TICK], -1)

    def test_tracks_that_no_longer_fit_in_the_head_are_refused(self) -> None:
        with pytest.raises(ValueError, match="another length"):
            writer_of(CAMERA).finish([CAMERA._replace(name="Camera 2")], 10)


class TestSeeking:
    def test_a_seek_lands_on_the_keyframe_at_or_before(
        self, camera: list[Frame], sound: list[Frame]
    ) -> None:
        file = write_file([CAMERA, MICROPHONE], camera + sound, duration_ms=6000, cluster_ms=700)
        keyframes = [frame for frame in camera if frame.keyframe]
        assert read_matroska(file).cues == [(frame.time_ms, 1) for frame in keyframes]
        with av.open(io.BytesIO(file)) as container:
            video = container.streams.video[0]
            for target in (5999, 3000, 2999, 40, 0, 4500):
                container.seek(target, stream=video)
                packet = next(container.demux(video))
                expected = max(k.time_ms for k in keyframes if k.time_ms <= target)
                assert packet.is_keyframe
                assert packet.pts == expected

    def test_day_long_files_keep_their_milliseconds(self, camera: list[Frame]) -> None:
        day = 25 * 3_600_000
        late = [frame._replace(time_ms=frame.time_ms + day) for frame in camera]
        file = write_file([CAMERA], camera + late, duration_ms=day + 6000)
        assert demux(file) == camera + late
        read_matroska(file)
        with av.open(io.BytesIO(file)) as container:
            assert container.duration == (day + 6000) * 1000
            container.seek(day + 1234, stream=container.streams[0])
            packet = next(container.demux(container.streams[0]))
            assert packet.pts == max(
                frame.time_ms for frame in late if frame.keyframe and frame.time_ms <= day + 1234
            )

    def test_cues_of_one_time_share_a_point_whatever_their_order(self) -> None:
        tracks = [CAMERA, MICROPHONE]
        writer = writer_of(*tracks)
        frames = [Frame(2, 10, True, b"sound"), Frame(1, 0, True, b"a"), Frame(1, 10, True, b"b")]
        body = write_cluster(writer, 5, frames, {1, 2})
        tail, head = writer.finish(tracks, 40)
        read = read_matroska(head + body + tail)
        assert read.cues == [(0, 1), (10, 1), (10, 2)]
        assert len(read.segment.one("Cues").children) == 2

    @pytest.mark.parametrize("cue", [(1, 0, -1), (1, 0, 100), (1, -11, 0)])
    def test_a_cue_outside_of_its_cluster_or_of_time_is_refused(
        self, cue: tuple[int, int, int]
    ) -> None:
        with pytest.raises(ValueError, match="a cue at"):
            writer_of().cluster(10, 100, [cue])

    def test_a_cluster_before_the_start_or_of_no_size_is_refused(self) -> None:
        with pytest.raises(ValueError, match="-1"):
            writer_of().cluster(-1, 10)
        with pytest.raises(ValueError, match="-10 bytes"):
            writer_of().cluster(0, -10)

    def test_cluster_headers_are_of_one_length(self) -> None:
        writer = writer_of()
        lengths = {len(writer.cluster(at, n)) for at in (0, 1 << 40) for n in (0, 1 << 33)}
        assert lengths == {CLUSTER_HEADER_SIZE}


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 3000), st.booleans(), st.binary(max_size=300)), max_size=40
    ),
    cluster_ms=st.integers(1, 30_000),
    title=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=300),
)
def test_any_run_of_frames_is_a_right_file(
    steps: list[tuple[int, bool, bytes]], cluster_ms: int, title: str
) -> None:
    frames, at = [], 0
    for step, keyframe, data in steps:
        at += step
        frames.append(Frame(1, at, keyframe, data))
    tags = [Tag("TITLE", title, track_uid=11), Tag("TITLE", title)]
    file = write_file(
        [CAMERA], frames, duration_ms=at + 20, cluster_ms=cluster_ms, title=title, tags=tags
    )
    read = read_matroska(file)
    assert read.blocks == frames
    assert read.cues == sorted({(frame.time_ms, 1) for frame in frames if frame.keyframe})
    assert read.info.get("Title", "") == title
