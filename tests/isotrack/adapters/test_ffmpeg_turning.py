"""Pictures turned by FFmpeg, codec by codec."""

from __future__ import annotations

from collections.abc import Sequence

import av
import numpy as np
import pytest

from isotrack.adapters.ffmpeg_turning import (
    KEYFRAME_EVERY,
    SPARE_PARAMETER_SETS,
    FfmpegTurner,
    turned,
)
from isotrack.adapters.turning import picture_turners
from isotrack.codecs import h264
from isotrack.codecs.av1_obu import SEQUENCE_HEADER, TEMPORAL_DELIMITER, split_unit
from isotrack.codecs.h264_parameters import sps_id
from isotrack.media.video_codecs import video_codec
from isotrack.pipeline.ports import CodedPicture, NotTurnable, TurnedPicture
from tests.turned_camera import CODECS, encoded, in_matroska, shown

every_codec = pytest.mark.parametrize("codec", CODECS)
DECODERS = {"h265": "hevc", "av1": "libdav1d"}


def configuration(codec: str, keyframe: bytes) -> bytes:
    """The CodecPrivate of a track that begins with a keyframe."""
    keyframes = video_codec(codec, {}).keyframes
    assert keyframes.read(keyframe, 0, after_loss=False)
    return keyframes.configuration


def published(
    codec: str, degrees: Sequence[int], keyframes: Sequence[int] = (0,), **size: int
) -> list[CodedPicture]:
    """Frames of a camera held so, 33 ms apart, to be turned upright."""
    frames = encoded(codec, degrees, keyframes, **size)
    return [
        CodedPicture(in_matroska(codec, frame), n in keyframes, 33_333 * n, degrees[n])
        for n, frame in enumerate(frames)
    ]


def decoded(codec: str, private: bytes, frames: Sequence[bytes]) -> list[av.VideoFrame]:
    decoder = av.CodecContext.create(DECODERS.get(codec, codec), "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.extradata, decoder.thread_count = private or None, 1
    return [picture for frame in frames for picture in decoder.decode(av.Packet(frame))]


def frames_of(pictures: Sequence[TurnedPicture]) -> list[bytes]:
    return [picture.frame for picture in pictures]


@every_codec
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_picture_is_turned_clockwise(codec: str, degrees: int) -> None:
    given = published(codec, [degrees] * 8)
    private = configuration(codec, given[0].frame)
    made = FfmpegTurner(codec, private).turn(given)
    assert [(p.number, p.keyframe) for p in made] == [(n, n == 0) for n in range(8)]
    seen = [shown(p, 0, 0) for p in decoded(codec, private, frames_of(made))]
    size = (128, 192) if degrees % 180 else (192, 128)
    assert [(p.width, p.height, p.bright) for p in seen] == [(*size, (0, 0))] * 8
    assert min(p.contrast for p in seen) > 100


@every_codec
def test_pictures_after_those_that_were_followed_are_turned(codec: str) -> None:
    given = published(codec, [0] * 5 + [90] * 5)
    private = configuration(codec, given[0].frame)
    turner = FfmpegTurner(codec, private)
    for picture in given[:5]:
        turner.follow(picture.frame)
    made = turner.turn(given[5:7]) + turner.turn(given[7:])
    assert [p.keyframe for p in made] == [True, False, False, False, False]
    seen = [shown(p, 0, 0) for p in decoded(codec, private, frames_of(made))]
    assert [p.bright for p in seen] == [(0, 0)] * 5


@every_codec
def test_keyframes_stay_keyframes(codec: str) -> None:
    given = published(codec, [90] * 8, (0, 5))
    made = FfmpegTurner(codec, configuration(codec, given[0].frame)).turn(given)
    assert [p.number for p in made if p.keyframe] == [0, 5]


@every_codec
def test_the_same_pictures_give_the_same_bytes(codec: str) -> None:
    given = published(codec, [90] * 20)
    private = configuration(codec, given[0].frame)
    first, second = (FfmpegTurner(codec, private).turn(given) for _ in range(2))
    assert first == second


def test_a_long_stretch_gets_keyframes_of_its_own() -> None:
    given = published("vp8", [90] * (KEYFRAME_EVERY + 2), width=32, height=32)
    made = FfmpegTurner("vp8", b"").turn(given)
    assert [p.number for p in made if p.keyframe] == [0, KEYFRAME_EVERY]


@every_codec
def test_publishers_frames_go_on_after_turned_ones(codec: str) -> None:
    given = published(codec, [0] * 4 + [90] * 4 + [0] * 4, (0, 8))
    private = configuration(codec, given[0].frame)
    turner = FfmpegTurner(codec, private)
    for picture in given[:4]:
        turner.follow(picture.frame)
    made = turner.turn(given[4:8])
    frames = [p.frame for p in given[:4]] + frames_of(made) + [p.frame for p in given[8:]]
    seen = [shown(p, 0, 0).bright for p in decoded(codec, private, frames)]
    assert seen == [(0, 0)] * 12


def test_h264_has_parameter_sets_that_no_publisher_has() -> None:
    given = published("h264", [90] * 2)
    made = FfmpegTurner("h264", configuration("h264", given[0].frame)).turn(given)
    sets = [bytes(unit) for unit in h264.nal_units(made[0].frame) if unit[0] & 31 == 7]
    assert [sps_id(unit) for unit in sets] == [SPARE_PARAMETER_SETS]
    assert configuration("h264", made[0].frame)  # the picture names them


def test_av1_has_a_sequence_header_and_no_delimiter() -> None:
    given = published("av1", [90] * 3)
    made = FfmpegTurner("av1", configuration("av1", given[0].frame)).turn(given)
    kinds = [unit.kind for picture in made for unit in split_unit(picture.frame)]
    assert kinds[0] == SEQUENCE_HEADER
    assert TEMPORAL_DELIMITER not in kinds


@every_codec
def test_frames_that_cannot_be_decoded_are_left_out(codec: str) -> None:
    given = published(codec, [90] * 6, (0, 4))
    private = configuration(codec, given[0].frame)
    given[1] = given[1]._replace(frame=b"\xff" * 40)
    given[2] = given[2]._replace(frame=b"")
    made = FfmpegTurner(codec, private).turn(given)
    assert {0, 4, 5} <= {p.number for p in made} <= {0, 1, 3, 4, 5}


def test_a_codec_that_nobody_knows_cannot_be_turned() -> None:
    with pytest.raises(NotTurnable, match="theora cannot be decoded here"):
        FfmpegTurner("theora", b"")


def test_without_loading_ffmpeg_a_turner_can_be_had() -> None:
    turners = picture_turners()
    assert turners is not None
    assert isinstance(turners("vp8", b""), FfmpegTurner)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("layout", ["yuv420p", "yuvj420p", "yuv422p", "yuv444p", "yuv420p10le"])
def test_every_plane_is_turned(layout: str, degrees: int) -> None:
    red = np.zeros((48, 64, 3), np.uint8)
    red[:24, :32, 0] = 255  # top left
    picture = av.VideoFrame.from_ndarray(red, format="rgb24").reformat(format=layout)
    upright = turned(picture, degrees)
    assert (upright.width, upright.height) == ((48, 64) if degrees % 180 else (64, 48))
    colors = upright.to_ndarray(format="rgb24")
    corners = [colors[0, 0, 0], colors[0, -1, 0], colors[-1, -1, 0], colors[-1, 0, 0]]
    assert int(np.argmax(corners)) == degrees // 90  # clockwise
    assert sorted(int(c) for c in corners)[2] < 60


def test_a_picture_of_odd_size_is_turned() -> None:
    picture = av.VideoFrame(33, 17, "yuv420p")
    for plane in picture.planes:
        plane.update(bytes(plane.buffer_size))
    upright = turned(picture, 90)
    assert (upright.width, upright.height) == (17, 33)
