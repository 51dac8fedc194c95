"""FFmpeg by way of PyAV: black pictures in the codecs of video tracks."""

from __future__ import annotations

import os
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple, cast

import av
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext

from isotrack.codecs.av1_obu import TEMPORAL_DELIMITER, split_unit, write_obu
from isotrack.codecs.h265 import unit_type
from isotrack.codecs.h265_renumber import renumbered
from isotrack.codecs.nal import LENGTH_SIZE, split_annexb
from isotrack.pipeline.ports import NoPicture

SPARE_PARAMETER_SETS = 31
"""The id of our H.264 parameter sets, the highest there is: publishers count from 0."""

_LIMITED_BLACK = (16, 128, 128)  # Y, Cb, Cr of video range (ITU-R BT.709), which cameras send
_H264_NEEDED = (5, 7, 8)  # IDR, SPS, PPS: no SEI of the encoder's
_H265_NEEDED = (*range(16, 22), 32, 33, 34)  # IRAP, VPS, SPS, PPS
_VPX = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}


class _Coder(NamedTuple):
    encoder: str
    options: dict[str, str]
    framed: Callable[[bytes], bytes]
    """As Matroska holds it."""


def _h264(stream: bytes) -> bytes:
    return _sized([unit for unit in split_annexb(stream) if unit[0] & 31 in _H264_NEEDED])


def _h265(stream: bytes) -> bytes:
    units = [unit for unit in split_annexb(stream) if unit_type(unit) in _H265_NEEDED]
    return _sized([renumbered(unit) for unit in units])


def _av1(unit: bytes) -> bytes:
    return b"".join(
        write_obu(obu.header, obu.payload)
        for obu in split_unit(unit)
        if obu.kind != TEMPORAL_DELIMITER
    )


def _sized(units: list[bytes]) -> bytes:
    return b"".join(len(unit).to_bytes(LENGTH_SIZE, "big") + unit for unit in units)


_CODERS = {
    "vp8": _Coder("libvpx", _VPX, bytes),
    "vp9": _Coder("libvpx-vp9", _VPX, bytes),
    "h264": _Coder(
        "libx264",
        {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "profile": "baseline",
            "x264-params": f"sps-id={SPARE_PARAMETER_SETS}:repeat-headers=1:annexb=1",
        },
        _h264,
    ),
    "h265": _Coder(
        "libx265",
        {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "x265-params": "repeat-headers=1:annexb=1:info=0:log-level=none:pools=none"
            ":frame-threads=1:wpp=0:slices=1",
        },
        _h265,
    ),
    "av1": _Coder("libsvtav1", {"preset": "10", "svtav1-params": "pred-struct=1:lp=1"}, _av1),
}


class FfmpegBlackPictures:
    """Black pictures, each codec and size encoded once."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, int, int], bytes] = {}

    def frame(self, codec: str, width: int, height: int) -> bytes:
        """A keyframe that is black, as Matroska holds frames of a codec.

        Raises:
            NoPicture: the encoder makes none of that size, or there is none of that codec.
        """
        asked = codec, width, height
        if asked not in self._made:
            self._made[asked] = _encode(*asked)
        return self._made[asked]


def _encode(codec: str, width: int, height: int) -> bytes:
    if codec not in _CODERS:
        raise NoPicture(f"no black picture is made of {codec}")
    coder = _CODERS[codec]
    os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 tells of errors only, not of every setting
    try:
        context = cast(VideoCodecContext, av.CodecContext.create(coder.encoder, "w"))
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base, context.framerate = Fraction(1, 30), Fraction(30)
        context.options = coder.options
        context.thread_count = 1
        picture = av.VideoFrame(width, height, "yuv420p")
        for plane, value in zip(picture.planes, _LIMITED_BLACK, strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        picture.pts = 0
        packets = [*context.encode(picture), *context.encode(None)]
        return coder.framed(b"".join(map(bytes, packets)))
    except (FFmpegError, ValueError) as error:
        raise NoPicture(f"no black picture of {width}x{height} in {codec}: {error}") from error
