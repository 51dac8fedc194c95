"""Calls of a phone that is turned: real media, in which a bright corner tells which way is up."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

import av
import numpy as np
from av.video.frame import PictureType

from isotrack.codecs import av1, h264, h265, vp8, vp9_packetizer
from isotrack.codecs.av1_obu import TEMPORAL_DELIMITER, split_unit, write_obu
from isotrack.rtp import video_orientation
from isotrack.rtp.header import write_header
from tests.sessions import START_US, Datagram

EXTENSION_ID = 4
EXTENSIONS = {video_orientation.URI: EXTENSION_ID}
WIDTH, HEIGHT = 192, 128
MAX_PAYLOAD = 1000
BRIGHT, DARK = 210, 60

ENCODERS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "vp8": ("libvpx", {"deadline": "realtime", "lag-in-frames": "0", "auto-alt-ref": "0"}),
    "vp9": (
        "libvpx-vp9",
        {"deadline": "realtime", "lag-in-frames": "0", "auto-alt-ref": "0", "cpu-used": "-8"},
    ),
    "h264": (
        "libx264",
        {
            "preset": "superfast",
            "tune": "zerolatency",
            "profile": "baseline",
            "forced-idr": "1",
            "x264-params": "scenecut=0:sliced-threads=0:repeat-headers=1",
        },
    ),
    "h265": (
        "libx265",
        {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "forced-idr": "1",
            "x265-params": "repeat-headers=1:scenecut=0:pools=1:frame-threads=1:log-level=none",
        },
    ),
    "av1": ("libsvtav1", {"preset": "9", "crf": "35", "svtav1-params": "pred-struct=1:lp=1"}),
}
CODECS = tuple(ENCODERS)


class Scene(NamedTuple):
    """What the camera sees, as it stands upright: which quarter of it is bright."""

    row: int
    column: int


TOP_LEFT = Scene(0, 0)


def sensor_picture(number: int, degrees: int, *, width: int, height: int) -> av.VideoFrame:
    """What the sensor gives when the picture has to be turned clockwise to stand upright.

    The top left quarter of the upright picture is bright; a bar moves through the others.
    """
    upright_size = (width, height) if degrees % 180 else (height, width)
    upright = np.full(upright_size, DARK, np.uint8)
    rows, columns = upright_size
    upright[rows // 2 + number % 16 : rows // 2 + number % 16 + 8] = DARK + 40
    upright[: rows // 2, : columns // 2] = BRIGHT
    luma = np.rot90(upright, degrees // 90)  # counterclockwise: players turn it back
    chroma = np.full((height // 2, width), 128, np.uint8)
    picture = av.VideoFrame.from_ndarray(
        np.ascontiguousarray(np.concatenate((luma, chroma))), format="yuv420p"
    )
    picture.pts, picture.time_base = number, Fraction(1, 30)
    return picture


def encoded(
    codec: str,
    degrees: Sequence[int],
    keyframes: Sequence[int],
    *,
    width: int = WIDTH,
    height: int = HEIGHT,
) -> list[bytes]:
    """A frame for each rotation, in the form in which the codec's packetizer takes it."""
    name, options = ENCODERS[codec]
    encoder = av.CodecContext.create(name, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 30), Fraction(30)
    encoder.bit_rate = 0 if codec == "av1" else 600_000
    encoder.gop_size, encoder.thread_count = 100_000, 1
    encoder.options = dict(options)
    frames: list[bytes] = []
    for number, turned in enumerate(degrees):
        picture = sensor_picture(number, turned, width=width, height=height)
        if number in keyframes:
            picture.pict_type = PictureType.I
        packets = encoder.encode(picture)
        assert len(packets) == 1
        assert packets[0].is_keyframe == (number in keyframes)
        frames.append(bytes(packets[0]))
    return frames


def payloads(codec: str, frame: bytes, number: int) -> list[bytes]:
    """The RTP payloads of a frame."""
    if codec == "vp8":
        return vp8.packetize(frame, number & 0x7FFF, MAX_PAYLOAD)
    if codec == "vp9":
        return vp9_packetizer.packetize(frame, number & 0x7FFF, MAX_PAYLOAD)
    if codec == "av1":
        return av1.packetize(frame, MAX_PAYLOAD)
    packetize = h264.packetize if codec == "h264" else h265.packetize
    return packetize(h264.split_annexb(frame), MAX_PAYLOAD)


def in_matroska(codec: str, frame: bytes) -> bytes:
    """A frame as an encoder gives it, as it goes into Matroska."""
    if codec in ("h264", "h265"):
        return b"".join(len(u).to_bytes(4, "big") + u for u in h264.split_annexb(frame))
    if codec == "av1":
        units = [unit for unit in split_unit(frame) if unit.kind != TEMPORAL_DELIMITER]
        return b"".join(write_obu(unit.header, unit.payload) for unit in units)
    return frame


def said(
    degrees: Sequence[int], keyframes: Sequence[int], *, always: bool = False
) -> Iterator[bytes | None]:
    """What the last packet of each frame says, as libwebrtc has it: with a keyframe, with a change,
    and as long as the picture is turned."""
    before = 0
    for number, turned in enumerate(degrees):
        tells = always or number in keyframes or turned != before or turned != 0
        yield bytes([turned // 90]) if tells else None
        before = turned


def phone_call(
    codec: str,
    degrees: Sequence[int],
    keyframes: Sequence[int] = (0,),
    *,
    frames: Sequence[bytes] | None = None,
    start_us: int = START_US,
    ssrc: int = 1234,
    fps: int = 30,
) -> list[Datagram]:
    """The packets of a camera held so at each of its frames."""
    sent: list[Datagram] = []
    made = encoded(codec, degrees, keyframes) if frames is None else frames
    orientations = said(degrees, keyframes)
    for number, (frame, orientation) in enumerate(zip(made, orientations, strict=True)):
        parts = payloads(codec, frame, number)
        for i, part in enumerate(parts):
            is_last = i == len(parts) - 1
            extensions = {EXTENSION_ID: orientation} if is_last and orientation else {}
            header = write_header(
                96,
                65_500 + len(sent) & 0xFFFF,
                (2**32 - 9000 + 90_000 // fps * number) % 2**32,
                ssrc,
                is_last,
                extensions,
            )
            arrival_us = start_us + number * 1_000_000 // fps + 2000 + 100 * i
            sent.append(Datagram(arrival_us, header + part))
    return sent


class Shown(NamedTuple):
    """A picture as a player shows it."""

    at_ms: int
    width: int
    height: int
    bright: tuple[int, int]
    """The brightest quarter: its row and column."""
    contrast: float


def played(file: bytes) -> list[Shown]:
    """Decode the first picture track, turned as the file's header says."""
    with av.open(io.BytesIO(file)) as container:
        stream = container.streams.video[0]
        found = [
            shown(frame, header_clockwise(frame), round(frame.time * 1000))
            for frame in container.decode(stream)
            if frame.time is not None
        ]
    return found


def header_clockwise(frame: av.VideoFrame) -> int:
    """By how much a player turns a frame (FFmpeg counts counterclockwise)."""
    return -int(frame.rotation) % 360


def shown(frame: av.VideoFrame, clockwise: int, at_ms: int) -> Shown:
    """What is seen of a decoded frame."""
    luma = frame.to_ndarray(format="gray")
    upright = np.rot90(luma, -clockwise // 90)
    height, width = upright.shape
    quarters = np.array(
        [
            [float(q.mean()) for q in np.array_split(half, 2, axis=1)]
            for half in np.array_split(upright, 2, axis=0)
        ]
    )
    row, column = np.unravel_index(int(quarters.argmax()), quarters.shape)
    ordered = np.sort(quarters.ravel())
    return Shown(at_ms, width, height, (int(row), int(column)), float(ordered[-1] - ordered[-2]))
