"""Packets of VP9 pictures in spatial layers, and what comes of them."""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np

from isotrack.codecs import vp9
from isotrack.codecs.vp9_frames import split_superframe
from isotrack.codecs.vp9_layers import Pictures, SpatialLayers
from isotrack.rtp.header import write_header
from tests.packets import packets_of

DATA = Path(__file__).parents[2] / "data" / "vp9"
TEMPORAL = (0, 2, 1, 2)
KEYFRAMES = (0, 12)
SIZES = ((80, 48), (160, 96), (320, 192))


def read_ivf(name: str) -> list[bytes]:
    """The frames of an IVF file."""
    content = (DATA / name).read_bytes()
    frames, at = [], 32
    while at < len(content):
        (size,) = struct.unpack_from("<I", content, at)
        frames.append(content[at + 12 : at + 12 + size])
        at += 12 + size
    return frames


class Packet(NamedTuple):
    """A packet of a layer, not numbered yet."""

    picture: int
    layer: int
    payload: bytes
    marker: bool


def layer_packets(
    name: str, *, inter_layer: str, flexible: bool = False, max_payload: int = 400, count: int = 24
) -> list[Packet]:
    """The packets of a file's pictures, as a WebRTC sender describes them.

    Args:
        name: of the file.
        inter_layer: prediction between layers: "always", "key" or "never".
        flexible: with references instead of the base layer's number.
        max_payload: in bytes.
        count: pictures.
    """
    packets = []
    for picture, frame in enumerate(read_ivf(name)[:count]):
        key = picture in KEYFRAMES
        layers = split_superframe(frame)
        for layer, part in enumerate(layers):
            temporal = TEMPORAL[picture % 4]
            place = vp9.Place(
                spatial=layer,
                temporal=temporal,
                sync=temporal == 0,
                inter_layer=layer > 0
                and (inter_layer == "always" or (key and inter_layer == "key")),
                inter_picture=not key,
                base=picture // 4,
                references=_references(picture) if flexible else None,
            )
            payloads = vp9.packetize(bytes(part), picture, max_payload, place)
            for payload in payloads:
                last = layer == len(layers) - 1 and payload is payloads[-1]
                packets.append(Packet(picture, layer, payload, last))
    return packets


def _references(picture: int) -> Sequence[int]:
    """What a picture needs in libvpx's pattern of three temporal layers."""
    return ((4,), (1,), (2,), (1,))[picture % 4]


def datagrams(packets: Sequence[Packet]) -> list[bytes]:
    """Numbered RTP packets."""
    return [
        write_header(98, 100 + n & 0xFFFF, 3000 * p.picture, 7, p.marker) + p.payload
        for n, p in enumerate(packets)
    ]


class Made(NamedTuple):
    """What packets were made into."""

    numbers: list[int]
    """Of the pictures of which any packet arrived."""
    pictures: Pictures
    frames: dict[int, bytes]
    """The whole ones of them."""

    @property
    def widths(self) -> dict[int, int]:
        """The width of each picture that is whole."""
        columns = zip(self.numbers, self.pictures.whole, self.pictures.size, strict=True)
        return {number: int(size[0]) for number, whole, size in columns if whole}


def push(spatial: SpatialLayers, sent: Sequence[Packet], lost: Collection[int] = ()) -> Made:
    """Put together what arrives when all packets but those at the indexes `lost` do."""
    arrived = [n for n in range(len(sent)) if n not in lost]
    numbered = datagrams(sent)
    packets = packets_of([numbered[n] for n in arrived])
    media, layers = vp9.depacketize_layers(packets, always=True)
    assert layers is not None
    lost_before = np.diff([-1, *arrived, len(sent)]) - 1
    unit = np.cumsum(np.diff(packets.timestamp.astype(np.int64), prepend=-1) != 0) - 1
    pictures = spatial.assemble(media, layers, unit, lost_before, packets.marker)
    numbers = list(dict.fromkeys(sent[n].picture for n in arrived))
    frames = {number: b"" for number, whole in zip(numbers, pictures.whole, strict=True) if whole}
    made = pictures.media
    for packet, at, length in zip(
        made.slice_packet, made.slice_offset, made.slice_length, strict=True
    ):
        if (number := numbers[unit[packet]]) in frames:
            frames[number] += made.buffer[at : at + length].tobytes()
    return Made(numbers, pictures, frames)


def decode(frames: Sequence[bytes], decoder: str = "vp9") -> Iterator[tuple[int, np.ndarray]]:
    """Which frame each picture comes of, and the picture."""
    context = av.CodecContext.create(decoder, "r")
    assert isinstance(context, av.VideoCodecContext)
    context.thread_count = 1
    for number, frame in enumerate(frames):
        packet = av.Packet(frame)
        packet.pts = number
        for picture in context.decode(packet):
            assert isinstance(picture, av.VideoFrame)
            if picture.format.name == "yuv444p10le":  # which PyAV makes no arrays of
                picture = picture.reformat(format="yuv444p16le")
            yield number, picture.to_ndarray()
    assert not context.decode(None)
