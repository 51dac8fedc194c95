"""What is left of a source that was damaged, and what is said about the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from isotrack.adapters.memory import MemoryStore
from isotrack.recording.errors import CorruptInput, NothingPlayable
from isotrack.recording.tracks import TrackType
from tests.isotrack.pipeline.remuxing import call, made, matroska, of_track, sidecar
from tests.sessions import (
    START_US,
    Datagram,
    Sender,
    Session,
    opus_call,
    vp8_call,
    vp8_frame,
)

DATA = Path(__file__).parents[2] / "data"


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
    """Edge case 217, a chunk at a time."""
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
    assert files[0].duration_ms == 12_480


def test_all_chunks_missing_is_nothing_playable_and_says_why() -> None:
    session = call()
    for track in session.tracks:
        for chunk in track.chunks:
            del session.store.objects[chunk.key]

    with pytest.raises(NothingPlayable, match=r"6 chunks are not usable: raw/.* \(missing\)"):
        made(session)


def test_a_codec_that_is_not_supported_is_nothing_playable_and_named() -> None:
    session = Session()
    session.capture(TrackType.VIDEO, vp8_call(1), mime_type="video/theora")
    session.seal()

    with pytest.raises(NothingPlayable, match="not supported: video/theora"):
        made(session)


def test_opus_of_more_channels_than_rtp_has_is_not_supported() -> None:
    session = Session()
    session.capture(TrackType.AUDIO, opus_call(1), channels=6)
    session.seal()

    with pytest.raises(NothingPlayable, match="not supported: Opus of 6 channels"):
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


@pytest.mark.parametrize("corpus", ["h264-corpus", "rtp-corpus", "rtcp-corpus"])
def test_crash_input_in_the_middle_of_a_good_file_leaves_the_good_part(corpus: str) -> None:
    """Edge case 217: what crashed other programs, in the middle of a call."""
    (folder,) = DATA.glob(f"*/{corpus}")
    inputs = sorted(folder.iterdir())
    assert len(inputs) > 1
    video = vp8_call(4)
    middle = video[179].arrival_us
    bad = [Datagram(middle + i, each.read_bytes()[:1400] or b"\0") for i, each in enumerate(inputs)]
    # As media of the track too, numbered behind it, and as RTCP.
    payloads = [each.data[:1100] for each in bad]
    attack = Sender(sequence=65_530 + 360, arrival_us=video[-1].arrival_us)
    attack.send(2**32 - 900 + 3000 * 120, *payloads)
    bad += [each._replace(is_rtcp=True) for each in bad]
    session = Session()
    session.capture(TrackType.VIDEO, sorted([*video, *bad]) + attack.sent, chunk_us=1_000_000)
    session.capture(TrackType.AUDIO, opus_call(4))
    session.seal()

    both = made(session)[2]

    pictures = of_track(matroska(session.store, both).blocks, 1)
    assert [b.time_ms for b in pictures][:120] == [round(i * 1000 / 30) for i in range(120)]
    assert [b.frame for b in pictures][:120] == [
        vp8_frame(i % 30 == 0, bytes([i]) * 60) for i in range(120)
    ]
    assert both.duration_ms < 5000


@pytest.mark.parametrize("silent", [TrackType.AUDIO, TrackType.VIDEO])
def test_a_track_of_no_bytes_leaves_a_file_with_the_other_one(silent: TrackType) -> None:
    """Edge case 218."""
    session = Session()
    session.capture(TrackType.AUDIO, [] if silent is TrackType.AUDIO else opus_call(2))
    session.capture(TrackType.VIDEO, [] if silent is TrackType.VIDEO else vp8_call(2))
    session.seal()

    (file,) = made(session)

    assert file.fallback is False
    assert file.codecs == (("vp8",) if silent is TrackType.AUDIO else ("opus",))
    assert len(matroska(session.store, file).blocks) == (60 if silent is TrackType.AUDIO else 100)


def test_a_track_of_padding_alone_is_no_track() -> None:
    """Edge case 218, where packets came and nothing was in them."""
    session = Session()
    probes = Sender()
    for i in range(100):
        probes.send(0, b"", arrival_us=START_US + 10_000 * i)
    session.capture(TrackType.VIDEO, probes.sent)
    session.capture(TrackType.AUDIO, opus_call(2))
    session.seal()

    (file,) = made(session)

    assert file.codecs == ("opus",)


class Vanishing(MemoryStore):
    """Loses one object for good once its end, or some of it, was read."""

    def __init__(self, objects: dict[str, bytes], key: str, reads: int) -> None:
        super().__init__()
        self.objects = dict(objects)
        self.key, self.reads = key, reads

    def tail_into(self, key: str, buffer: memoryview) -> int:
        found = super().tail_into(key, buffer)
        self._count(key)
        return found

    def read_into(self, key: str, buffer: memoryview) -> int:
        found = super().read_into(key, buffer)
        self._count(key)
        return found

    def _count(self, key: str) -> None:
        if key == self.key:
            self.reads -= 1
            if not self.reads:
                del self.objects[key]


@pytest.mark.parametrize("track", [0, 1])
@pytest.mark.parametrize("chunk", [0, 1, 2])
def test_a_chunk_that_vanishes_between_the_two_looks_ends_nothing_else(
    track: int, chunk: int
) -> None:
    session = call()
    reads = 2 if chunk == 0 else 1  # the media of the first one is looked at too
    raw = Vanishing(session.store.objects, session.tracks[track].chunks[chunk].key, reads)

    audio, video, both = made(session, raw=raw)

    assert not both.complete
    blocks = matroska(session.store, both).blocks
    assert [b.time_ms for b in blocks] == sorted(b.time_ms for b in blocks)
    pictures = len(of_track(blocks, 1))
    spoken = [b for b in of_track(blocks, 2) if len(b.frame) > 3]
    assert (pictures < 360, len(spoken) < 600) == (track == 1, track == 0)
    assert len(matroska(session.store, video).blocks) == pictures
    assert [b.frame for b in matroska(session.store, audio).blocks if len(b.frame) > 3] == [
        b.frame for b in spoken
    ]


def test_a_track_whose_only_chunk_vanishes_leaves_the_other_track() -> None:
    session = Session()
    session.capture(TrackType.VIDEO, vp8_call(3), chunk_us=30_000_000)
    session.capture(TrackType.AUDIO, opus_call(3))
    session.seal()
    (chunk,) = session.tracks[0].chunks
    raw = Vanishing(session.store.objects, chunk.key, 2)

    audio, video, both = made(session, raw=raw)

    assert not audio.complete
    assert matroska(session.store, video).blocks == []
    assert len(of_track(matroska(session.store, both).blocks, 2)) == 150


@pytest.mark.parametrize("size", [60, 10_000], ids=["chunks worked on together", "alone"])
@pytest.mark.parametrize("ssrc", [9, 1234], ids=["another SSRC", "a restart"])
@pytest.mark.parametrize("damage", ["vanished", "header"])
def test_what_a_lost_chunk_began_does_not_give_its_clock_to_another_stream(
    damage: str, ssrc: int, size: int
) -> None:
    """Streams one after the other: the only chunk of the first is lost to the second look."""
    session = Session()
    second = Sender(ssrc=ssrc, sequence=30_000)
    later = vp8_call(5, sender=second, start_us=START_US + 5_000_000, timestamp=1 << 31, size=size)
    session.capture(TrackType.VIDEO, vp8_call(5, size=size) + later, chunk_us=5_000_000)
    session.capture(TrackType.AUDIO, opus_call(10))
    session.seal()
    first = session.tracks[0].chunks[0].key
    raw = MemoryStore() if damage == "header" else Vanishing(session.store.objects, first, 2)
    raw.objects = dict(session.store.objects)
    if damage == "header":
        raw.put(first, b"?" + raw.objects[first][1:])

    both = made(session, raw=raw)[2]

    pictures = of_track(matroska(session.store, both).blocks, 1)
    assert [b.time_ms for b in pictures][-150:] == [round(5000 + i * 1000 / 30) for i in range(150)]
    assert both.duration_ms == 10_000
    assert not both.complete
