"""FFmpeg by way of PyAV: encoders for media that must be made, decoders for media to be looked at.

Remuxing does not need it: it serves the demo, which plays a call of its own making, and whoever
wants to see what is in a finished file. Only this module and its neighbors `ffmpeg_*` import `av`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from numpy.typing import NDArray

from isotrack.recording.errors import CorruptInput

VideoCodec = Literal["vp8", "h264"]

AUDIO_RATE_HZ = 48_000
AUDIO_FRAME_SAMPLES = 960
"""Samples of each channel in one Opus packet: 20 ms."""

_KEYFRAME_ONLY_WHEN_ASKED = 1_000_000
_ENCODERS: dict[str, tuple[str, dict[str, str]]] = {
    "vp8": (
        "libvpx",
        {"deadline": "realtime", "cpu-used": "16", "lag-in-frames": "0", "auto-alt-ref": "0"},
    ),
    "h264": (
        "libx264",
        {
            "preset": "superfast",
            "tune": "zerolatency",
            "profile": "baseline",
            "forced-idr": "1",
            # Parameter sets travel in band, before each IDR picture, as WebRTC senders do it.
            "x264-params": "repeat-headers=1:annexb=1:scenecut=0:sliced-threads=0",
        },
    ),
}
_EXPLODE = {"err_detect": "explode"}  # report what is broken instead of concealing it


class VideoEncoder:
    """Encodes pictures one by one without delay: each gives one frame, at once.

    A size is for life: a turned camera gets a new encoder, as in a browser.
    """

    def __init__(
        self, codec: VideoCodec, width: int, height: int, *, fps: int, bitrate_bps: int
    ) -> None:
        name, options = _ENCODERS[codec]
        self._context = cast(VideoCodecContext, av.CodecContext.create(name, "w"))
        self._context.width, self._context.height = width, height
        self._context.pix_fmt = "yuv420p"
        self._context.framerate = Fraction(fps)
        self._context.time_base = Fraction(1, fps)
        self._context.bit_rate = bitrate_bps
        self._context.gop_size = _KEYFRAME_ONLY_WHEN_ASKED
        self._context.thread_count = 1
        self._context.options = options
        self._count = 0

    def encode(self, yuv: NDArray[np.uint8], *, keyframe: bool = False) -> bytes:
        """Encode one picture; the first is a keyframe, later ones only on demand.

        Args:
            yuv: planar 4:2:0 as one array of (height * 3 / 2, width): luma, then both chromas.
            keyframe: make this one decodable on its own.

        Returns:
            A VP8 frame (RFC 6386), or an H.264 access unit in Annex B form.
        """
        frame = av.VideoFrame.from_ndarray(yuv, format="yuv420p")
        frame.pts = self._count
        frame.time_base = self._context.time_base
        if keyframe:
            frame.pict_type = PictureType.I
        self._count += 1
        return b"".join(bytes(packet) for packet in self._context.encode(frame))


class AudioEncoder:
    """Encodes stereo sound to Opus packets of 20 ms (RFC 6716)."""

    def __init__(self, *, bitrate_bps: int = 48_000) -> None:
        self._context = av.CodecContext.create("libopus", "w")
        self._context.sample_rate = AUDIO_RATE_HZ
        self._context.layout = "stereo"
        self._context.format = "s16"
        self._context.bit_rate = bitrate_bps
        self._context.options = {"frame_duration": "20", "application": "audio"}
        self._count = 0

    def encode(self, samples: NDArray[np.int16]) -> bytes:
        """Encode `AUDIO_FRAME_SAMPLES` samples of shape (samples, 2) to one packet."""
        interleaved = np.ascontiguousarray(samples).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(interleaved, format="s16", layout="stereo")
        frame.sample_rate = AUDIO_RATE_HZ
        frame.pts = self._count * AUDIO_FRAME_SAMPLES
        self._count += 1
        return b"".join(bytes(packet) for packet in self._context.encode(frame))


class PictureSize(NamedTuple):
    """A picture size, and when it first shows, on the file's own timeline."""

    at_ms: int
    width: int
    height: int


class FileSummary(NamedTuple):
    """What a media file says it holds, and the sizes its pictures really have."""

    codecs: tuple[str, ...]
    duration_ms: int
    sizes: tuple[PictureSize, ...]


class Picture(NamedTuple):
    """A decoded picture: its time in the file, its brightness, and whether it came out whole."""

    at_us: int
    luma: NDArray[np.uint8]
    corrupt: bool


class Sound(NamedTuple):
    """Decoded sound: the time of its first sample in the file, and samples (channels, n) in ±1."""

    at_us: int
    samples: NDArray[np.float32]


@contextmanager
def _opened(path: Path) -> Iterator[InputContainer]:
    try:
        with av.open(str(path), mode="r", options=_EXPLODE) as container:
            yield container
    except FFmpegError as error:
        raise CorruptInput(f"{path.name} cannot be decoded: {error}") from error


def probe(path: Path) -> FileSummary:
    """Read a file's streams and duration, and decode its keyframes to see their sizes.

    Raises:
        CorruptInput: it is not a media file, or a keyframe cannot be decoded.
    """
    with _opened(path) as container:
        codecs = tuple(stream.codec_context.name for stream in _tracks(container))
        duration_ms = round((container.duration or 0) / 1000)
        sizes: list[PictureSize] = []
        for stream in container.streams.video[:1]:
            stream.codec_context.skip_frame = "NONKEY"
            for frame in container.decode(stream):
                if not sizes or (frame.width, frame.height) != sizes[-1][1:]:
                    sizes.append(PictureSize(_at_us(frame) // 1000, frame.width, frame.height))
    return FileSummary(codecs, duration_ms, tuple(sizes))


def pictures(path: Path, track: int = 0) -> Iterator[Picture]:
    """Decode every picture of a video track, numbered among the file's video tracks.

    Raises:
        CorruptInput: a frame cannot be decoded.
    """
    with _opened(path) as container:
        stream = container.streams.video[track]
        stream.codec_context.options = _EXPLODE
        for frame in container.decode(stream):
            plane = frame.planes[0]
            rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
            yield Picture(_at_us(frame), rows[:, : plane.width], bool(frame.is_corrupt))


def sounds(path: Path, track: int = 0) -> Iterator[Sound]:
    """Decode an audio track, numbered among the file's audio tracks.

    Raises:
        CorruptInput: a frame cannot be decoded.
    """
    with _opened(path) as container:
        stream = container.streams.audio[track]
        stream.codec_context.options = _EXPLODE
        for frame in container.decode(stream):
            yield Sound(_at_us(frame), frame.to_ndarray().astype(np.float32, copy=False))


def _tracks(container: InputContainer) -> list[Any]:
    return [stream for stream in container.streams if stream.type in ("audio", "video")]


def _at_us(frame: av.VideoFrame | av.AudioFrame) -> int:
    if frame.pts is None or frame.time_base is None:
        raise CorruptInput(f"a frame without a time: {frame!r}")
    return round(frame.pts * frame.time_base * 1_000_000)
