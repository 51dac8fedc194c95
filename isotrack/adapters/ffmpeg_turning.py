"""FFmpeg by way of PyAV: pictures of a turned camera, decoded, turned and coded in the same codec.

Quality is constant, and a little better than what a browser sends: nothing is to be seen of it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple, cast

import av
import numpy as np
from av.codec.context import Flags
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from numpy.typing import NDArray

from isotrack.codecs.av1_obu import TEMPORAL_DELIMITER, split_unit, write_obu
from isotrack.codecs.nal import LENGTH_SIZE, split_annexb
from isotrack.pipeline.ports import CodedPicture, NotTurnable, TurnedPicture

KEYFRAME_EVERY = 300
"""Pictures: so that players can seek into a stretch where its publisher sent no keyframe."""

SPARE_PARAMETER_SETS = 29
"""The id of our H.264 parameter sets: publishers count from 0, and theirs stay as they are."""

_TIME_BASE = Fraction(1, 1000)
_NOMINAL_FPS = 30
_CEILING_BPS = 20_000_000  # libvpx wants one with a constant quality of VP8


class _Coder(NamedTuple):
    """How pictures of a codec are decoded and encoded."""

    decoder: str
    encoder: str
    options: dict[str, str]
    bit_rate: int = 0


_REALTIME = {"deadline": "realtime", "lag-in-frames": "0", "auto-alt-ref": "0"}
_CODERS = {
    # VP8's speed is negative: a positive one is only a limit, and the encoder takes the time, so
    # that the same pictures give other bytes on a busy machine.
    "vp8": _Coder("vp8", "libvpx", {**_REALTIME, "cpu-used": "-8", "crf": "30"}, _CEILING_BPS),
    "vp9": _Coder("vp9", "libvpx-vp9", {**_REALTIME, "cpu-used": "8", "crf": "36"}),
    "h264": _Coder(
        "h264",
        "libx264",
        {
            "preset": "superfast",
            "tune": "zerolatency",
            "crf": "25",
            "forced-idr": "1",
            "x264-params": f"sps-id={SPARE_PARAMETER_SETS}:repeat-headers=1:annexb=1:scenecut=0",
        },
    ),
    "h265": _Coder(
        "hevc",
        "libx265",
        {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "crf": "26",
            "forced-idr": "1",
            "x265-params": "repeat-headers=1:annexb=1:scenecut=0:frame-threads=1:pools=1"
            ":log-level=error",
        },
    ),
    "av1": _Coder(
        "libdav1d",
        "libsvtav1",
        {"preset": "9", "crf": "38", "svtav1-params": "pred-struct=1:lp=1"},
    ),
}


class FfmpegTurner:
    """Turns the pictures of one stretch of a track (`pipeline.ports.PictureTurner`).

    Args:
        codec: its encoding name, lower case.
        configuration: Matroska's CodecPrivate.

    Raises:
        NotTurnable: FFmpeg has no decoder or encoder of the codec here.
    """

    def __init__(self, codec: str, configuration: bytes) -> None:
        self._codec = codec
        try:
            self._decoder = _decoder(_CODERS[codec], configuration)
        except (KeyError, FFmpegError, ValueError) as error:
            raise NotTurnable(f"{codec} cannot be decoded here: {error}") from error
        self._encoder: VideoCodecContext | None = None
        self._last_ms = 0
        self._given = 0

    def follow(self, frame: bytes) -> None:
        """Decode a frame of which nothing is wanted, but which later ones need."""
        self._decode(frame)

    def turn(self, pictures: Sequence[CodedPicture]) -> list[TurnedPicture]:
        """Turn each picture; frames that show none, or cannot be decoded, give none."""
        found: list[TurnedPicture] = []
        for number, picture in enumerate(pictures):
            shown = self._decode(picture.frame)
            if shown is not None:
                upright = turned(shown, picture.degrees)
                frame, keyframe = self._encode(upright, picture)
                found.append(TurnedPicture(number, frame, keyframe))
        return found

    def _decode(self, frame: bytes) -> av.VideoFrame | None:
        """The picture that a frame shows; of spatial layers, which may give several, the last."""
        if not frame:
            return None  # to FFmpeg that would be the end of the stream
        packet = av.Packet(frame)
        self._given += 1
        packet.pts = packet.dts = self._given
        try:
            shown = [each for each in self._decoder.decode(packet) if each.pts == self._given]
        except FFmpegError:
            return None
        return shown[-1] if shown else None

    def _encode(self, upright: av.VideoFrame, picture: CodedPicture) -> tuple[bytes, bool]:
        encoder = self._encoder
        if encoder is None or (encoder.width, encoder.height) != (upright.width, upright.height):
            encoder = self._encoder = _encoder(_CODERS[self._codec], upright)
            self._last_ms = picture.time_us // 1000 - 1
        self._last_ms = max(picture.time_us // 1000, self._last_ms + 1)
        upright.pts, upright.time_base = self._last_ms, _TIME_BASE
        upright.pict_type = PictureType.I if picture.keyframe else PictureType.NONE
        try:
            packets = encoder.encode(upright)
        except FFmpegError as error:
            raise NotTurnable(
                f"{self._codec} of {upright.width}x{upright.height}: {error}"
            ) from error
        if len(packets) != 1:
            raise NotTurnable(f"{encoder.name} gave {len(packets)} frames for a picture")
        return _as_in_matroska(self._codec, bytes(packets[0])), bool(packets[0].is_keyframe)


def turned(picture: av.VideoFrame, degrees: int) -> av.VideoFrame:
    """A picture turned clockwise, as planar 4:2:0 of 8 bits, its colors those of the picture."""
    if picture.format.name not in ("yuv420p", "yuvj420p"):
        picture = picture.reformat(format="yuv420p")
    planes = [np.rot90(_rows(plane), -degrees // 90) for plane in picture.planes]
    height, width = planes[0].shape
    upright = av.VideoFrame(width, height, "yuv420p")
    for plane, rows in zip(upright.planes, planes, strict=True):
        _rows(plane)[:] = rows
    upright.color_range, upright.colorspace = picture.color_range, picture.colorspace
    upright.color_primaries, upright.color_trc = picture.color_primaries, picture.color_trc
    return upright


def _rows(plane: av.video.plane.VideoPlane) -> NDArray[np.uint8]:
    whole = np.frombuffer(plane, np.uint8)  # type: ignore[call-overload]  # it is a buffer
    rows: NDArray[np.uint8] = whole.reshape(plane.height, plane.line_size)[:, : plane.width]
    return rows


def _decoder(coder: _Coder, configuration: bytes) -> VideoCodecContext:
    context = cast(VideoCodecContext, av.CodecContext.create(coder.decoder, "r"))
    if configuration:
        context.extradata = configuration
    # Pictures come out in the order in which they go in, each at once.
    context.flags |= Flags.low_delay
    context.thread_count = 1
    context.open()
    return context


def _encoder(coder: _Coder, picture: av.VideoFrame) -> VideoCodecContext:
    os.environ.setdefault("SVT_LOG", "1")  # errors alone: SVT-AV1 writes to stderr by itself
    context = cast(VideoCodecContext, av.CodecContext.create(coder.encoder, "w"))
    context.width, context.height, context.pix_fmt = picture.width, picture.height, "yuv420p"
    context.color_range, context.colorspace = picture.color_range, picture.colorspace
    context.color_primaries, context.color_trc = picture.color_primaries, picture.color_trc
    context.time_base, context.framerate = _TIME_BASE, Fraction(_NOMINAL_FPS)
    context.bit_rate, context.gop_size = coder.bit_rate, KEYFRAME_EVERY
    context.thread_count = 1
    context.options = coder.options
    return context


def _as_in_matroska(codec: str, frame: bytes) -> bytes:
    """What an encoder gave, in the form that frames have in Matroska."""
    if codec in ("h264", "h265"):
        nals = split_annexb(frame)
        return b"".join(len(nal).to_bytes(LENGTH_SIZE, "big") + nal for nal in nals)
    if codec == "av1":
        units = (unit for unit in split_unit(frame) if unit.kind != TEMPORAL_DELIMITER)
        return b"".join(write_obu(unit.header, unit.payload) for unit in units)
    return frame
