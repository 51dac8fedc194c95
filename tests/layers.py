"""A camera in several sizes, really encoded: each picture tells its layer and its number."""

from __future__ import annotations

import io
from collections.abc import Container, Iterable, Mapping, Sequence
from functools import cache
from typing import Literal, NamedTuple

import av
import numpy as np

from isotrack.adapters.ffmpeg import VideoEncoder
from isotrack.codecs import h264, vp8
from isotrack.codecs.nal import split_annexb
from isotrack.rtp.header import write_header
from tests.sessions import START_US, Datagram, report

FPS = 15
SIZES = {"l": (96, 64), "m": (192, 128), "h": (384, 256)}
SSRCS = {"l": 11, "m": 22, "h": 33}
OFFSETS = {"l": 2**32 - 90_000, "m": 5, "h": 1_234_567_890}
"""RTP timestamps of the same instant: layers have nothing in common."""
PAYLOAD_TYPES: dict[str, int] = {"vp8": 96, "h264": 102}
_BITS = 8
_ROOM = 400

Codec = Literal["vp8", "h264"]


class Shown(NamedTuple):
    """A decoded picture: of which layer, which of its pictures, and when."""

    layer: str
    number: int
    ms: int
    keyframe: bool


@cache
def frames(
    codec: Codec, size: tuple[int, int], keyframes: frozenset[int], sent: frozenset[int]
) -> dict[int, bytes]:
    """The encoded pictures of those numbers that are sent."""
    width, height = size
    encoder = VideoEncoder(codec, width, height, fps=FPS, bitrate_bps=300_000)
    made = {}
    for number in sorted(sent):
        yuv = np.full((height * 3 // 2, width), 128, np.uint8)
        bits = [255 if number >> bit & 1 else 0 for bit in range(_BITS)]
        yuv[:height] = np.repeat(np.array(bits, np.uint8), width // _BITS)
        made[number] = encoder.encode(yuv, keyframe=number in keyframes)
    return made


def payloads(codec: Codec, number: int, frame: bytes) -> list[bytes]:
    """The RTP payloads of a picture."""
    if codec == "vp8":
        return vp8.packetize(frame, number, _ROOM)
    units = [unit for unit in split_annexb(frame) if unit[0] & 31 != 6]
    return h264.packetize(units, _ROOM)


def layer(
    name: str,
    sent: Iterable[int],
    keyframes: Container[int] = (0,),
    *,
    codec: Codec = "vp8",
    delay_us: int = 20_000,
    ssrc: int | None = None,
    extensions: Mapping[int, bytes] | None = None,
    named: int = 8,
) -> list[Datagram]:
    """The packets of a layer; the first `named` of them carry the header extensions.

    Args:
        name: `l`, `m` or `h`.
        sent: the numbers of its pictures.
        keyframes: which of them are keyframes; the first always is.
        codec: of all of them.
        delay_us: from when a picture is taken to when its first packet comes.
        ssrc: another one than the layer has as a rule.
        extensions: by id.
        named: packets that have them.
    """
    numbers = frozenset(sent)
    keys = frozenset(number for number in numbers if number in keyframes) | {min(numbers)}
    found: list[Datagram] = []
    for number, frame in frames(codec, SIZES[name], keys, numbers).items():
        parts = payloads(codec, number, frame)
        for i, payload in enumerate(parts):
            header = write_header(
                PAYLOAD_TYPES[codec],
                65_500 + len(found) & 0xFFFF,
                (OFFSETS[name] + number * 90_000 // FPS) % 2**32,
                SSRCS[name] if ssrc is None else ssrc,
                i == len(parts) - 1,
                (extensions or {}) if len(found) < named else {},
            )
            arrival_us = START_US + number * 1_000_000 // FPS + delay_us + 100 * i
            found.append(Datagram(arrival_us, header + payload))
    return found


def reports(name: str, seconds: int, *, delay_us: int = 20_000) -> list[Datagram]:
    """A sender report each second."""
    return [
        report(
            START_US + 777_000_000 + second * 1_000_000,
            OFFSETS[name] + second * 90_000,
            arrival_us=START_US + second * 1_000_000 + delay_us,
            ssrc=SSRCS[name],
        )
        for second in range(seconds)
    ]


def together(*parts: Sequence[Datagram]) -> list[Datagram]:
    """All of it in the order it came."""
    return sorted((each for part in parts for each in part), key=lambda each: each.arrival_us)


def shown(body: bytes, track: int = 0) -> list[Shown]:
    """What a player shows of a file; it gives up at the first error."""
    names = {size: name for name, size in SIZES.items()}
    found = []
    with av.open(io.BytesIO(body)) as container:
        stream = container.streams.video[track]
        stream.codec_context.options = {"err_detect": "explode"}
        for picture in container.decode(stream):
            luma = picture.to_ndarray(format="gray")
            middles = np.arange(_BITS) * luma.shape[1] // _BITS + luma.shape[1] // (2 * _BITS)
            bits = luma[luma.shape[0] // 2, middles] > 128
            number = sum(1 << bit for bit in range(_BITS) if bits[bit])
            assert picture.time is not None
            ms = round(picture.time * 1000)
            size = picture.width, picture.height
            found.append(Shown(names[size], number, ms, bool(picture.key_frame)))
    return found


def turns(pictures: Sequence[Shown]) -> list[tuple[str, int, int]]:
    """Which layer is seen from which picture to which."""
    found: list[tuple[str, int, int]] = []
    for each in pictures:
        if found and found[-1][0] == each.layer:
            found[-1] = each.layer, found[-1][1], each.number
        else:
            found.append((each.layer, each.number, each.number))
    return found
