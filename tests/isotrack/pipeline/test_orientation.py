"""Files of a phone that is turned during the call, as players show them (edge case 35)."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import av
import pytest

from isotrack.adapters.checksums import crc32c_of
from isotrack.adapters.turning import picture_turners
from isotrack.pipeline.ports import (
    CodedPicture,
    NotTurnable,
    PictureTurner,
    PictureTurners,
    TurnedPicture,
)
from isotrack.pipeline.remux import remux
from isotrack.recording.files import RecordingFile
from isotrack.recording.options import RemuxOptions
from isotrack.recording.outputs import OutputType
from isotrack.recording.sidecar import Sidecar
from isotrack.recording.tracks import TrackType
from tests.ebml_reader import Matroska, read_matroska
from tests.sessions import START_US, Datagram, Session
from tests.turned_camera import (
    CODECS,
    EXTENSIONS,
    HEIGHT,
    WIDTH,
    encoded,
    header_clockwise,
    in_matroska,
    phone_call,
    played,
    shown,
)

TURNERS = picture_turners()
every_codec = pytest.mark.parametrize("codec", CODECS)


def shown_size(degrees: int) -> tuple[int, int]:
    """Width and height of an upright picture."""
    return (HEIGHT, WIDTH) if degrees % 180 else (WIDTH, HEIGHT)


def changes(sizes: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Each size once, as they follow each other."""
    return [size for size, _ in groupby(sizes)]


def remuxed(session: Session, turners: PictureTurners | None) -> list[tuple[RecordingFile, bytes]]:
    made = remux(
        session.job(),
        raw=session.store,
        recordings=session.store,
        checksum=crc32c_of,
        turners=turners,
    )
    return [(file, session.store.objects[file.key]) for file in made.files]


def captured(
    codec: str,
    degrees: Sequence[int],
    keyframes: Sequence[int] = (0,),
    *,
    frames: Sequence[bytes] | None = None,
    orientation: str = "upright",
    extensions: Mapping[str, int] = EXTENSIONS,
    chunk_us: int = 500_000,
    fps: int = 30,
) -> Session:
    """A call in which the camera is held so at each frame."""
    session = Session(output_types=(OutputType.VIDEO_ONLY,))
    session.capture(
        TrackType.VIDEO,
        phone_call(codec, degrees, keyframes, frames=frames, fps=fps),
        mime_type=f"video/{codec}",
        header_extensions=extensions,
        chunk_us=chunk_us,
    )
    session.seal(options=RemuxOptions.model_validate({"orientation": orientation}))
    return session


def recorded(
    codec: str,
    degrees: Sequence[int],
    keyframes: Sequence[int] = (0,),
    *,
    turners: PictureTurners | None = TURNERS,
    **call: Any,
) -> tuple[RecordingFile, bytes]:
    """The file of a call in which the camera is held so at each frame."""
    [made] = remuxed(captured(codec, degrees, keyframes, **call), turners)
    return made


def roll(file: Matroska) -> object:
    """What the header has players do, counterclockwise."""
    projections = file.tracks[0].one("Video").all("Projection")
    return projections[0].get("ProjectionPoseRoll") if projections else 0


@every_codec
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_camera_that_is_held_still_costs_a_few_bytes_of_the_header(
    codec: str, degrees: int
) -> None:
    turned = [degrees] * 12
    _, body = recorded(codec, turned, (0, 6))
    pictures = played(body)
    assert [p.bright for p in pictures] == [(0, 0)] * 12
    assert {(p.width, p.height) for p in pictures} == {shown_size(degrees)}
    published = [in_matroska(codec, frame) for frame in encoded(codec, turned, (0, 6))]
    assert [block.frame for block in read_matroska(body).blocks] == published


@every_codec
@pytest.mark.parametrize(
    "degrees",
    [
        [0] * 10 + [90] * 10 + [0] * 15 + [270] * 5,
        [90] * 10 + [180] * 10 + [270] * 15 + [90] * 5,
    ],
    ids=["from lying", "from standing"],
)
def test_a_camera_that_is_turned_between_keyframes_stays_upright(
    codec: str, degrees: list[int]
) -> None:
    frames = encoded(codec, degrees, (0, 25))
    file, body = recorded(codec, degrees, (0, 25), frames=frames)
    pictures = played(body)
    assert [p.bright for p in pictures] == [(0, 0)] * 40
    assert min(p.contrast for p in pictures) > 100
    assert [(p.width, p.height) for p in pictures] == [shown_size(d) for d in degrees]
    assert [p.at_ms for p in pictures] == [round(n * 1000 / 30) for n in range(40)]
    assert [(r.width, r.height) for r in file.resolutions] == changes(map(shown_size, degrees))
    blocks = [block.frame for block in read_matroska(body).blocks]
    assert blocks[:10] == [in_matroska(codec, frame) for frame in frames[:10]]


@every_codec
def test_what_the_publisher_sent_goes_on_with_their_next_keyframe(codec: str) -> None:
    degrees = [90] * 6 + [0] * 6 + [90] * 12
    frames = encoded(codec, degrees, (0, 16))
    _, body = recorded(codec, degrees, (0, 16), frames=frames)
    blocks = read_matroska(body).blocks
    published = [in_matroska(codec, frame) for frame in frames]
    same = [block.frame == frame for block, frame in zip(blocks, published, strict=True)]
    assert same == [True] * 6 + [False] * 10 + [True] * 8
    assert [i for i, block in enumerate(blocks) if block.keyframe] == [0, 6, 12, 16]
    assert {p.bright for p in played(body)} == {(0, 0)}


@every_codec
def test_players_can_seek_to_every_keyframe(codec: str) -> None:
    degrees = [0] * 10 + [90] * 20 + [0] * 10
    _, body = recorded(codec, degrees, (0, 20, 30))
    cues = [time_ms for time_ms, _ in read_matroska(body).cues]
    assert cues == [0, 333, 667, 1000]
    with av.open(io.BytesIO(body)) as container:
        stream = container.streams.video[0]
        for time_ms in reversed(cues):
            container.seek(time_ms, stream=stream)
            frame = next(container.decode(stream))
            assert frame.pts == time_ms
            assert shown(frame, header_clockwise(frame), time_ms).bright == (0, 0)


@every_codec
def test_metadata_alone_leaves_every_frame_as_published(codec: str) -> None:
    degrees = [0] * 6 + [90] * 12
    frames = encoded(codec, degrees, (0,))
    file, body = recorded(codec, degrees, frames=frames, orientation="metadata")
    found = read_matroska(body)
    assert [b.frame for b in found.blocks] == [in_matroska(codec, frame) for frame in frames]
    assert roll(found) == -90  # what holds for most pictures
    assert [(r.width, r.height) for r in file.resolutions] == [(HEIGHT, WIDTH)]
    assert [p.bright == (0, 0) for p in played(body)] == [False] * 6 + [True] * 12


def test_without_anything_that_turns_pictures_metadata_has_to_do() -> None:
    degrees = [0] * 6 + [90] * 12
    frames = encoded("vp8", degrees, (0,))
    by_option = recorded("vp8", degrees, frames=frames, orientation="metadata")
    assert recorded("vp8", degrees, frames=frames, turners=None) == by_option


def heavy(frames: Sequence[bytes]) -> list[bytes]:
    """VP8 frames with so much behind them that a few are more than what is read at once."""
    return [frame + bytes(800_000) for frame in frames]


def test_the_sidecar_tells_when_the_camera_was_turned() -> None:
    degrees = [90] * 6 + [0] * 6 + [90] * 6
    told = {}
    for orientation in ("upright", "metadata"):
        session = captured("vp8", degrees, (0, 15), orientation=orientation)
        [(file, _)] = remuxed(session, TURNERS)
        sidecar = Sidecar.model_validate_json(session.store.objects[file.sidecar_key])
        [track] = sidecar.tracks
        told[orientation] = [(r.at_ms, r.degrees, r.turned) for r in track.rotations]
        assert track.resolutions == file.resolutions
    assert told["upright"] == [
        (0, 90, False),
        (200, 0, True),
        (400, 90, True),
        (500, 90, False),
    ]
    assert told["metadata"] == [(0, 90, False), (200, 0, False), (400, 90, False)]


def test_how_a_call_is_chunked_leaves_turned_pictures_as_they_are() -> None:
    degrees = [0] * 20 + [90] * 20 + [180] * 20
    frames = heavy(encoded("vp8", degrees, (0, 45)))
    files = [
        recorded("vp8", degrees, (0, 45), frames=frames, chunk_us=chunk_us, fps=3)
        for chunk_us in (2_500_000, 4_000_000, 30_000_000)
    ]
    assert files[0] == files[1] == files[2]
    assert {p.bright for p in played(files[0][1])} == {(0, 0)}


def test_keyframes_that_are_all_the_same_are_told_apart_by_what_follows() -> None:
    """A covered camera: what its second keyframe begins is not what the first one began."""
    frames = encoded("vp8", [0] + [180] * 5, (0,)) + encoded("vp8", [0] * 3 + [90] * 6, (0,))
    assert frames[0] == frames[6]
    _, body = recorded("vp8", [0] * 9 + [90] * 6, (0, 6), frames=frames)
    pictures = played(body)[6:]
    assert [p.bright for p in pictures] == [(0, 0)] * 9
    assert min(p.contrast for p in pictures) > 100


def test_a_camera_published_again_in_another_hand_stays_upright() -> None:
    session = Session(output_types=(OutputType.VIDEO_ONLY,))
    for ssrc, degrees, start_us in ((1, 0, START_US), (2, 270, START_US + 2_000_000)):
        packets = phone_call("vp8", [degrees] * 20, start_us=start_us, ssrc=ssrc)
        about = {"ssrc": ssrc, "header_extensions": EXTENSIONS}
        session.capture(TrackType.VIDEO, packets, **about)
    session.seal()
    [(file, body)] = remuxed(session, TURNERS)
    assert [p.bright for p in played(body)] == [(0, 0)] * 40
    assert [(r.width, r.height, r.at_ms) for r in file.resolutions] == [
        (WIDTH, HEIGHT, 0),
        (HEIGHT, WIDTH, 2000),
    ]


def test_of_simulcast_the_layer_that_is_seen_is_turned() -> None:
    degrees = [0] * 60 + [90] * 60
    packets: list[Datagram] = []
    for ssrc, width, height in ((1, WIDTH // 2, HEIGHT // 2), (2, WIDTH, HEIGHT)):
        frames = encoded("vp8", degrees, (0,), width=width, height=height)
        packets += phone_call("vp8", degrees, frames=frames, ssrc=ssrc)
    session = Session(output_types=(OutputType.VIDEO_ONLY,))
    session.capture(
        TrackType.VIDEO,
        sorted(packets),
        layers=[{"rid": "h", "ssrc": 1}, {"rid": "f", "ssrc": 2}],
        header_extensions=EXTENSIONS,
    )
    session.seal()
    [(file, body)] = remuxed(session, TURNERS)
    pictures = played(body)
    assert [p.bright for p in pictures] == [(0, 0)] * len(pictures)
    assert (pictures[-1].width, pictures[-1].height) == (HEIGHT, WIDTH)
    assert [(r.width, r.height) for r in file.resolutions][-2:] == [
        (WIDTH, HEIGHT),
        (HEIGHT, WIDTH),
    ]


def test_a_track_that_announces_no_orientation_is_left_alone() -> None:
    degrees = [0] * 6 + [90] * 6
    frames = encoded("vp8", degrees, (0,))
    _, body = recorded("vp8", degrees, frames=frames, extensions={})
    found = read_matroska(body)
    assert [block.frame for block in found.blocks] == frames
    assert roll(found) == 0


def test_pictures_that_cannot_be_turned_are_left_as_published() -> None:
    def none(codec: str, configuration: bytes) -> PictureTurner:
        raise NotTurnable(codec)

    degrees = [0] * 6 + [90] * 6
    frames = encoded("vp8", degrees, (0,))
    file, body = recorded("vp8", degrees, frames=frames, turners=none)
    assert [block.frame for block in read_matroska(body).blocks] == frames
    assert [(r.width, r.height) for r in file.resolutions] == [(WIDTH, HEIGHT)]


def test_a_stretch_that_cannot_be_coded_further_goes_on_as_published_at_a_keyframe() -> None:
    degrees = [0] * 6 + [90] * 18
    frames = heavy(encoded("vp8", degrees, (0, 15)))
    _, body = recorded(
        "vp8", degrees, (0, 15), frames=frames, turners=OnlyOnce, chunk_us=3_000_000, fps=3
    )
    blocks = read_matroska(body).blocks
    assert [block.frame for block in blocks[:6]] == frames[:6]
    assert [block.frame for block in blocks[-9:]] == frames[15:]
    assert {block.frame for block in blocks[6:-9]} == {b"turned"}


class OnlyOnce:
    """Turns what it is given at first, and nothing more."""

    def __init__(self, codec: str, configuration: bytes) -> None:
        self._spent = False

    def follow(self, frame: bytes) -> None:
        pass

    def turn(self, pictures: Sequence[CodedPicture]) -> list[TurnedPicture]:
        if self._spent:
            raise NotTurnable("enough")
        self._spent = True
        return [TurnedPicture(n, b"turned", n == 0) for n in range(len(pictures))]


def test_frames_of_a_stretch_that_show_nothing_are_left_out() -> None:
    degrees = [0] * 6 + [90] * 10
    frames = encoded("h264", degrees, (0,))
    frames[12] = frames[12][:6]  # of the slice nothing but its type is left
    _, body = recorded("h264", degrees, frames=frames)
    assert [p.at_ms for p in played(body)][:12] == [round(n * 1000 / 30) for n in range(12)]
    assert {p.bright for p in played(body)} == {(0, 0)}
