"""A loop of media in each codec, encoded by PyAV once and kept for the next run."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from benchmarks.codecs import BIT_RATE, FPS, GOP_S, HEIGHT, WIDTH, Codec, Frame


def encoded(codec: Codec, cache: Path) -> list[Frame]:
    """The frames of a codec's loop, from `cache` if they were encoded before."""
    seconds = codec.loop_s
    kept = cache / f"{codec.name}-{seconds}.frames"
    if kept.exists():
        frames: list[Frame] = pickle.loads(kept.read_bytes())
        return frames
    encode = _encode_video if codec.kind == "video" else _encode_audio
    frames = encode(codec, seconds)
    cache.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(pickle.dumps(frames))
    return frames


def _encode_video(codec: Codec, seconds: int) -> list[Frame]:
    encoder = av.CodecContext.create(codec.encoder, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height = WIDTH, HEIGHT
    encoder.pix_fmt = "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(FPS), Fraction(1, FPS)
    encoder.bit_rate, encoder.gop_size, encoder.max_b_frames = BIT_RATE, GOP_S * FPS, 0
    encoder.options = codec.options
    encoder.thread_count = 2
    packets = []
    for i, planes in enumerate(_pictures(seconds * FPS)):
        picture = av.VideoFrame.from_ndarray(planes, "yuv420p")
        picture.pts = i
        packets += encoder.encode(picture)
    packets += encoder.encode(None)
    return [Frame(bytes(packet), packet.is_keyframe) for packet in packets]


def _pictures(count: int) -> Iterator[np.ndarray[tuple[int, int], np.dtype[np.uint8]]]:
    """Grain that drifts over a gradient: enough to code for an encoder to spend its bit rate."""
    random = np.random.default_rng(1)
    base = np.add.outer(np.arange(HEIGHT) // 6, np.arange(2 * WIDTH) // 12) + 40
    grain = random.integers(0, 24, (HEIGHT // 4, 2 * WIDTH // 4)).repeat(4, 0).repeat(4, 1)
    wide = (base + grain).astype(np.uint8)
    planes = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
    for i in range(count):
        at = (i * 3) % WIDTH
        planes[:HEIGHT] = wide[:, at : at + WIDTH]
        y, x = random.integers(0, HEIGHT - 160), random.integers(0, WIDTH - 160)
        planes[y : y + 160, x : x + 160] += random.integers(0, 48, (160, 160), dtype=np.uint8)
        yield planes


def _encode_audio(codec: Codec, seconds: int) -> list[Frame]:
    encoder = av.CodecContext.create(codec.encoder, "w")
    assert isinstance(encoder, av.AudioCodecContext)
    rate = 16_000 if codec.name == "g722" else codec.clock_rate  # RFC 3551 section 4.5.2
    encoder.sample_rate, encoder.format = rate, "s16"
    encoder.layout = "stereo" if codec.channels == 2 else "mono"
    encoder.options = codec.options
    if codec.name == "opus":
        encoder.bit_rate = 46_000
    size = rate // 50
    time = np.arange(seconds * rate) / rate
    tone = 8000 * np.sin(2 * np.pi * (220 + 40 * np.sin(time)) * time)
    noise = np.random.default_rng(2).normal(0, 1500, time.size)
    samples = np.repeat((tone + noise).astype(np.int16), codec.channels).reshape(1, -1)
    packets = []
    for i in range(seconds * 50):
        part = samples[:, i * size * codec.channels : (i + 1) * size * codec.channels]
        sound = av.AudioFrame.from_ndarray(np.ascontiguousarray(part), "s16", encoder.layout.name)
        sound.sample_rate, sound.pts = rate, i * size
        packets += encoder.encode(sound)
    packets += encoder.encode(None)
    return [Frame(bytes(packet), True) for packet in packets][: seconds * 50]
