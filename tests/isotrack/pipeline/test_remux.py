from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import google_crc32c
import numpy as np
import pytest

from isotrack.adapters.memory import MemoryStore, MemoryWriter
from isotrack.pipeline.remux import remux
from isotrack.recording.errors import CorruptInput, DestinationError, NothingPlayable, Transient
from isotrack.recording.files import RecordingFile
from isotrack.recording.outputs import OutputType
from isotrack.recording.sidecar import Sidecar
from isotrack.recording.tracks import Source, TrackType
from tests.ebml_reader import Block, Matroska, read_matroska
from tests.frames import encode_video
from tests.sessions import (
    START_US,
    STARTED,
    Datagram,
    Sender,
    Session,
    delayed,
    opus_call,
    opus_packet,
    report,
    vp8_call,
    vp8_payloads,
)

VIDEO_US, AUDIO_US = START_US + 1_500_000, START_US + 1_000_000
VP8_OPTIONS = {"deadline": "realtime", "lag-in-frames": "0", "g": "30"}


def call(seconds: float = 12, **outputs: tuple[OutputType, ...]) -> Session:
    """Sound that begins a second after the recording, and video half a second later."""
    session = Session(**outputs)
    session.capture(TrackType.AUDIO, opus_call(seconds, start_us=AUDIO_US))
    session.capture(TrackType.VIDEO, vp8_call(seconds, start_us=VIDEO_US))
    session.seal()
    return session


def made(
    session: Session, store: MemoryStore | None = None, source: Source = Source.PARTICIPANT
) -> list[RecordingFile]:
    recordings = session.store if store is None else store
    job = session.job(source)
    return list(
        remux(job, raw=session.store, recordings=recordings, checksum=google_crc32c.value).files
    )


def matroska(store: MemoryStore, file: RecordingFile) -> Matroska:
    return read_matroska(store.objects[file.key])


def sidecar(store: MemoryStore, file: RecordingFile) -> Sidecar:
    return Sidecar.model_validate_json(store.objects[file.sidecar_key])


def of_track(blocks: Sequence[Block], number: int) -> list[Block]:
    return [block for block in blocks if block.track == number]


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
    assert [b.frame for b in speech] == [opus_packet(i) for i in range(600)]


def test_what_was_muxed_is_what_ffmpeg_reads() -> None:
    session = call()

    for file in made(session):
        body = session.store.objects[file.key]
        with av.open(io.BytesIO(body)) as container:
            packets = [
                (p.stream.index + 1, p.pts, p.is_keyframe, bytes(p))
                for p in container.demux()
                if p.size
            ]
            assert container.duration == file.duration_ms * 1000
        blocks = matroska(session.store, file).blocks
        assert packets == [tuple(block) for block in blocks]


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
    assert audio.duration_ms == video.duration_ms == 12_000
    assert both.duration_ms == 12_500
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
    session = call()
    first, second = MemoryStore(), MemoryStore()

    made(session, first)
    made(session, second)

    assert first.objects == second.objects
    assert len(first.objects) == 6


def test_how_a_call_is_chunked_leaves_the_files_as_they_are() -> None:
    stores = []
    for chunk_us in (300_000, 3_000_000, 30_000_000):
        session = Session()
        session.capture(TrackType.AUDIO, opus_call(12, start_us=AUDIO_US), chunk_us=chunk_us)
        session.capture(TrackType.VIDEO, vp8_call(12, start_us=VIDEO_US), chunk_us=chunk_us)
        session.seal()
        store = MemoryStore()
        made(session, store)
        stores.append(store.objects)

    assert stores[0] == stores[1] == stores[2]


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
    assert len(speech) == 60 * 50 + 250
    assert max(b.time_ms - a.time_ms for a, b in pairwise(speech)) <= 21
    assert audio.duration_ms == 5000
    assert audio.timeline_offset_ms == 60_002
    assert matroska(session.store, audio).blocks[0].frame == opus_packet(0)
    assert sidecar(session.store, audio).tracks[0].filled == ()
    (lead,) = sidecar(session.store, both).tracks[1].filled
    assert (lead.start_ms, lead.end_ms, lead.reason) == (0, 60_000, "silent")


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


def test_loss_is_said_to_freeze_the_picture() -> None:
    session = Session()
    video = vp8_call(4)
    session.capture(TrackType.VIDEO, [*video[:120], *video[121:]])
    session.seal()

    (file,) = made(session)

    (track,) = sidecar(session.store, file).tracks
    assert [(f.start_ms, f.end_ms, f.reason) for f in track.frozen] == [(1300, 2000, "lost")]
    assert track.frames == 100
    (packets,) = sidecar(session.store, file).packets
    assert (packets.lost, packets.frames_left_out) == (1, 20)


@pytest.mark.parametrize("damage", ["missing", "corrupt", "torn"])
def test_a_damaged_chunk_leaves_files_that_say_so(damage: str) -> None:
    session = call()
    key = session.tracks[0].chunks[1].key
    body = session.store.objects[key]
    if damage == "missing":
        del session.store.objects[key]
    else:
        session.store.put(key, body[:4000] if damage == "torn" else b"#" + body)

    files = made(session)

    assert [file.complete for file in files] == [False] * 3
    for file in files:
        (missing,) = sidecar(session.store, file).missing_chunks
        assert missing.key == key
    audio = sidecar(session.store, files[0])
    assert sum(f.end_ms - f.start_ms for f in audio.tracks[0].filled) > 3000
    assert files[0].duration_ms == 12_000


def test_all_chunks_missing_is_nothing_playable_and_says_why() -> None:
    session = call()
    for track in session.tracks:
        for chunk in track.chunks:
            del session.store.objects[chunk.key]

    with pytest.raises(NothingPlayable, match=r"6 chunks are not usable: raw/.* \(missing\)"):
        made(session)


def test_a_codec_that_is_not_supported_is_nothing_playable_and_named() -> None:
    session = Session()
    session.capture(TrackType.VIDEO, vp8_call(1), mime_type="video/AV1")
    session.seal()

    with pytest.raises(NothingPlayable, match="not supported: video/av1"):
        made(session)


def test_video_without_a_keyframe_is_nothing_playable_and_counted() -> None:
    session = Session()
    session.capture(TrackType.VIDEO, vp8_call(1, keyframe_every=99)[3:])
    session.seal()

    with pytest.raises(NothingPlayable, match=r"87 packets came, .* \(29 left out\)"):
        made(session)


def test_packets_of_another_payload_type_are_nothing_playable() -> None:
    session = Session()
    session.capture(TrackType.VIDEO, vp8_call(1, sender=Sender(payload_type=97)))
    session.seal()

    with pytest.raises(NothingPlayable, match="no packet of the announced payload type"):
        made(session)


def test_a_manifest_that_is_none_is_corrupt_input() -> None:
    session = Session()
    session.store.put(session.manifest_key, b"{}")

    with pytest.raises(CorruptInput, match=r"manifest\.json"):
        made(session)


class FailingWriter(MemoryWriter):
    """Fails when so many bytes were written, or at the commit."""

    limit: int | None = None
    aborted: list[str]

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.limit is not None and len(self._body) + len(data) > self.limit:
            raise DestinationError("the bucket is gone")
        super().write(data)

    def commit(self, head: bytes = b"") -> None:
        if self.limit is None:
            raise Transient("busy")
        super().commit(head)

    def abort(self) -> None:
        self.aborted.append(self._key)
        super().abort()


class FailingStore(MemoryStore):
    """A store whose writers fail."""

    def __init__(self, limit: int | None) -> None:
        super().__init__()
        self.limit = limit
        self.aborted: list[str] = []
        self.begun = 0

    def writer(self, key: str, *, content_type: str) -> MemoryWriter:
        writer = FailingWriter(self, key, content_type)
        writer.limit, writer.aborted = self.limit, self.aborted
        self.begun += 1
        return writer


@pytest.mark.parametrize("limit", [0, 30_000, None], ids=["at once", "in the middle", "at commit"])
def test_a_store_that_fails_is_left_with_no_object(limit: int | None) -> None:
    session, store = call(), FailingStore(limit)

    with pytest.raises((DestinationError, Transient)):
        made(session, store)

    assert store.objects == {}
    assert len(store.aborted) == store.begun > 0


class BusyStore(MemoryStore):
    """Busy once so many objects were read."""

    def __init__(self, objects: dict[str, bytes], allowed: int) -> None:
        super().__init__()
        self.objects = objects
        self.allowed = allowed

    def get(self, key: str) -> bytes:
        self.allowed -= 1
        if self.allowed < 0:
            raise Transient("503 Slow Down")
        return super().get(key)


@pytest.mark.parametrize("allowed", [0, 3, 10])
def test_a_busy_store_is_passed_on_to_be_tried_again(allowed: int) -> None:
    session, recordings = call(), MemoryStore()
    raw = BusyStore(session.store.objects, allowed)

    with pytest.raises(Transient):
        remux(session.job(), raw=raw, recordings=recordings, checksum=google_crc32c.value)

    assert recordings.objects == {}


def test_sender_reports_are_used_and_told_of() -> None:
    # The picture takes 80 ms to encode: only reports can tell.
    speech, picture = opus_call(10), [delayed(each, 80_000) for each in vp8_call(10)]
    for second in range(10):
        at = START_US + second * 1_000_000
        speech.append(report(at, 2**32 - 4800 + 48_000 * second, arrival_us=at + 12_000, ssrc=5678))
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
    assert abs(stream.clock.residual_ms - 80) < 1
    assert speech_track.streams[0].clock.residual_ms < 1


def h264_call(sizes: Sequence[tuple[int, int]]) -> list[Datagram]:
    from isotrack.codecs import h264

    sender = Sender()
    frames = [
        frame
        for width, height in sizes
        for frame in encode_video(
            "libx264",
            15,
            width=width,
            height=height,
            options={"preset": "ultrafast", "tune": "zerolatency"},
        )
    ]
    for i, frame in enumerate(frames):
        payloads = h264.packetize(h264.split_annexb(frame), 1200)
        sender.send(3000 * i, *payloads, arrival_us=START_US + i * 1_000_000 // 30)
    return sender.sent


def real_vp8_call(sizes: Sequence[tuple[int, int]]) -> list[Datagram]:
    sender = Sender()
    frames = [
        frame
        for width, height in sizes
        for frame in encode_video("libvpx", 15, width=width, height=height, options=VP8_OPTIONS)
    ]
    for i, frame in enumerate(frames):
        payloads = vp8_payloads(frame, -(-len(frame) // 1100))
        sender.send(3000 * i, *payloads, arrival_us=START_US + i * 1_000_000 // 30)
    return sender.sent


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_pictures_that_change_their_size_are_decoded_to_the_last(codec: str) -> None:
    sizes = [(320, 180), (180, 320), (640, 360)]
    session = Session()
    datagrams = real_vp8_call(sizes) if codec == "VP8" else h264_call(sizes)
    session.capture(TrackType.VIDEO, datagrams, mime_type=f"video/{codec}")
    session.seal()

    (file,) = made(session)

    assert [(r.width, r.height, r.at_ms) for r in file.resolutions] == [
        (320, 180, 0),
        (180, 320, 500),
        (640, 360, 1000),
    ]
    with av.open(io.BytesIO(session.store.objects[file.key])) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.width, stream.codec_context.height) == (320, 180)
        assert stream.time_base == Fraction(1, 1000)
        shown = [(frame.width, frame.height) for frame in container.decode(stream)]
    assert shown == [size for size in sizes for _ in range(15)]


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


MEASURE = """
import json, resource, sys
from tests.isotrack.pipeline.test_remux import call, made
from isotrack.adapters.filesystem import FilesystemStore
import pathlib
session = call(float(sys.argv[1]))
store = FilesystemStore(pathlib.Path(sys.argv[2]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
made(session, store)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps(after - before))
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_call(tmp_path: Path) -> None:
    grown_kib = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", MEASURE, str(seconds), str(tmp_path / str(seconds))],
                check=True,
                capture_output=True,
            ).stdout
        )
        for seconds in (60, 600)
    ]

    assert grown_kib[1] - grown_kib[0] < 8 * 1024
