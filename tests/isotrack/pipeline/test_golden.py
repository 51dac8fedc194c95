"""Captures of other projects give what is known of them, frame by frame, all the way to the file.

The golden files were made without Isotrack. Where all captures are at hand (`tests.vectors`), the
whole ones are read; the cuts of them in tests/data always are.
"""

from __future__ import annotations

import io

import av
import pytest

from isotrack.adapters.captures import captures_of
from isotrack.pipeline.guessing import guess_tracks
from isotrack.pipeline.inspecting import inspect
from isotrack.recording.errors import NothingPlayable
from tests.ebml_reader import read_matroska
from tests.golden import SOURCES, Case, Folder, load, sha1
from tests.vectors import VECTORS, WHY_NOT

needs_vectors = pytest.mark.skipif(VECTORS is None, reason=WHY_NOT)


@pytest.fixture(params=[pytest.param(name, marks=needs_vectors) for name in SOURCES])
def whole(request: pytest.FixtureRequest) -> Case:
    return load(request.param, whole=True)


@pytest.fixture(
    params=[
        pytest.param((name, whole), id=f"{name}-{'whole' if whole else 'cut'}", marks=marks)
        for name in SOURCES
        for whole, marks in ((False, ()), (True, needs_vectors))
    ]
)
def case(request: pytest.FixtureRequest) -> Case:
    name, whole = request.param
    return load(name, whole=whole)


def test_every_packet_of_the_track_is_imported(whole: Case) -> None:
    (packets,) = whole.folder.imported.packets.values()
    assert packets == whole.summary["unique"]
    _, sidecar, _ = whole.folder.remux()
    (counts,) = sidecar.packets
    assert (counts.received, counts.lost) == (whole.summary["packets"], whole.summary["lost"])
    assert counts.duplicates == whole.summary["dups"]
    assert counts.late == counts.wild == counts.malformed == counts.frames_left_out == 0


def test_frames_have_the_bytes_the_rtp_timestamps_and_the_keyframes_that_are_known(
    case: Case,
) -> None:
    (captured,) = case.folder.tracks
    found = case.folder.frames(captured)
    assert len(found) - len(case.frames) in ((0,) if case.summary else (0, 1))  # cut in a frame
    origin = found[0].timestamp - case.frames[0]["ts"]
    for frame, known in zip(found, case.frames, strict=False):
        assert (sha1(frame.data), frame.timestamp - origin) == (known["sha1"], known["ts"])
        assert frame.keyframe == known.get("bkey", known.get("key", True))


def test_the_file_has_them_all_at_their_times(case: Case) -> None:
    file, sidecar, body = case.folder.remux()
    assert file.codecs == (case.source.mime,)
    known = {frame["sha1"] for frame in case.frames}
    blocks = read_matroska(body).blocks
    published = [block for block in blocks if sha1(block.frame) in known]
    assert [sha1(block.frame) for block in published] == [frame["sha1"] for frame in case.frames]
    first_ms = published[0].time_ms
    late_ms = [
        block.time_ms - first_ms - case.time_ms(index) for index, block in enumerate(published)
    ]
    assert max(map(abs, late_ms)) <= case.source.bent_ms
    for block, frame in zip(published, case.frames, strict=True):
        assert block.keyframe == frame.get("bkey", frame.get("key", True))
    if case.summary:
        assert len(blocks) - len(published) == case.summary["lost"]  # silence of a packet each
        assert sidecar.completeness.lost_packets == case.summary["lost"]
        assert sidecar.completeness.frozen_ms == 0


@needs_vectors
@pytest.mark.parametrize("name", [name for name in SOURCES if SOURCES[name].mime != "pcmu"])
def test_the_file_decodes_to_as_many_pictures_of_the_size_that_is_known(name: str) -> None:
    case = load(name, whole=True)
    file, _, body = case.folder.remux()
    with av.open(io.BytesIO(body)) as container:
        container.streams.video[0].codec_context.options = {"err_detect": "explode"}
        pictures = [(picture.width, picture.height) for picture in container.decode(video=0)]
    size = tuple(map(int, list(case.summary["ffmpeg"]["res"])[-1].split(",")))
    assert pictures == [size] * case.summary["frames"]
    assert [(r.width, r.height) for r in file.resolutions] == [size]


@needs_vectors
def test_every_vp8_frame_is_that_of_the_elementary_stream_published_beside_the_capture() -> None:
    assert VECTORS is not None
    folder = VECTORS / "membrane" / "vp8"
    ivf = (folder / "input_vp8.ivf").read_bytes()
    published, at = [], 32
    while at < len(ivf):
        size = int.from_bytes(ivf[at : at + 4], "little")
        published.append(ivf[at + 12 : at + 12 + size])
        at += 12 + size
    track = {"user_id": "alice", "mime": "vp8", "payload_type": 96}
    _, _, body = Folder([folder / "input_vp8.pcap"], [track]).remux()
    assert [block.frame for block in read_matroska(body).blocks] == published


@needs_vectors
def test_packets_that_are_no_media_give_nothing_to_play() -> None:
    assert VECTORS is not None
    capture = VECTORS / "libjitsi" / "chrome_single_flexfec03_packet.pcap"
    (source,) = inspect(captures_of([capture])).sources
    assert source.ssrc == 0xC6236C24
    assert guess_tracks(inspect(captures_of([capture]))) == {"tracks": []}
    with pytest.raises(NothingPlayable):
        Folder([capture], [{"user_id": "alice", "mime": "vp8", "payload_type": 96}])
