"""VP9 in every profile: as PyAV encodes it, which is in eight bits, and from files."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import av
import numpy as np

from tests.isotrack.codecs.svc import read_ivf

PIXELS = {0: "yuv420p", 1: "yuv444p"}
"""Pixel formats of the profiles that PyAV encodes."""

REALTIME = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}


def encode(
    count: int,
    options: Mapping[str, str],
    *,
    pixels: str = "yuv420p",
    width: int = 160,
    height: int = 96,
) -> list[bytes]:
    """So many frames of moving noise, in real time."""
    encoder = av.CodecContext.create("libvpx-vp9", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, pixels
    encoder.time_base, encoder.framerate = Fraction(1, 30), Fraction(30)
    encoder.options = REALTIME | dict(options)
    noise = np.random.default_rng(7).integers(0, 255, (288, 320), np.uint8)
    frames = []
    for index in range(count):
        picture = av.VideoFrame.from_ndarray(np.roll(noise, 4 * index, axis=1), format="yuv420p")
        picture = picture.reformat(width, height, format=pixels)
        picture.pts = index
        frames += map(bytes, encoder.encode(picture))
    return frames + list(map(bytes, encoder.encode(None)))


def encoded(profile: int) -> list[bytes]:
    """Six frames of 160x96, error resilient and with segments, keyframes at 0 and 3."""
    if profile in PIXELS:
        options = {"g": "3", "error-resilient": "1", "aq-mode": "3", "profile": str(profile)}
        return encode(6, options, pixels=PIXELS[profile])
    return read_ivf(f"profile{profile}.ivf")
