"""Frames for tests: put together from slices, and encoded with PyAV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

import av
import numpy as np

from isotrack.codecs.media import Media, PacketColumns


def join_frames(packets: PacketColumns, media: Media) -> list[bytes]:
    """The bytes of each frame, a frame being all packets of one timestamp."""
    unit = np.cumsum(np.diff(packets.timestamp.astype(np.int64), prepend=-1) != 0) - 1
    frames = [b""] * (int(unit[-1]) + 1)
    rows = zip(media.slice_packet, media.slice_offset, media.slice_length, strict=True)
    for packet, offset, length in rows:
        frames[unit[packet]] += media.buffer[offset : offset + length].tobytes()
    return frames


def join_packet(media: Media, packet: int) -> bytes:
    """The bytes that come of one packet."""
    rows = np.flatnonzero(media.slice_packet == packet)
    spans = [
        slice(media.slice_offset[row], media.slice_offset[row] + media.slice_length[row])
        for row in rows
    ]
    return b"".join(media.buffer[span].tobytes() for span in spans)


def encode_video(
    codec: str, count: int, *, width: int = 320, height: int = 180, options: Mapping[str, str]
) -> Iterator[bytes]:
    """So many frames of moving noise, as the encoder gives them."""
    encoder = av.CodecContext.create(codec, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 30), Fraction(30)
    encoder.bit_rate = 1_500_000
    encoder.options = dict(options)
    random = np.random.default_rng(7)
    noise = random.integers(0, 255, (height * 3 // 2, width), np.uint8)
    for index in range(count):
        picture = av.VideoFrame.from_ndarray(np.roll(noise, 4 * index, axis=1), format="yuv420p")
        picture.pts = index
        yield from map(bytes, encoder.encode(picture))
    yield from map(bytes, encoder.encode(None))
