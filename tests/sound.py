"""Sound for tests: encoded and decoded with PyAV, and captures of it read packet by packet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from isotrack.codecs.audio import AudioCodec
from isotrack.codecs.silence import Silence
from isotrack.rtp.dump import read_dump
from isotrack.rtp.packet import Packets, read_packets

FFMPEG_NAMES = {"opus": "libopus", "pcmu": "pcm_mulaw", "pcma": "pcm_alaw", "g722": "g722"}


def tone(count: int, frequency: int, rate: int, peak: int = 16_000) -> NDArray[np.int16]:
    return (peak * np.sin(np.arange(count) * frequency * 2 * np.pi / rate)).astype(np.int16)


def encode_sound(name: str, pcm: NDArray[np.int16], rate: int, layout: str = "mono") -> bytes:
    """Interleaved samples in a codec without frames of its own (G.711, G.722)."""
    context = av.CodecContext.create(FFMPEG_NAMES[name], "w")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate, context.layout, context.format = rate, layout, "s16"
    step = 320 * len(context.layout.channels)
    coded = b""
    for at in range(0, len(pcm), step):
        part = np.ascontiguousarray(pcm[at : at + step]).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(part, format="s16", layout=layout)
        frame.sample_rate, frame.pts = rate, at
        coded += b"".join(map(bytes, context.encode(frame)))
    return coded + b"".join(map(bytes, context.encode(None)))


def decode_sound(
    name: str, frames: Sequence[bytes], rate: int, layout: str = "mono"
) -> NDArray[np.int64]:
    """Interleaved samples of these frames, of 16 bits."""
    context = av.CodecContext.create(FFMPEG_NAMES[name], "r")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate, context.layout = rate, layout
    decoded = [each for frame in frames for each in context.decode(av.Packet(frame))]
    assert all(each.format.name == "s16" for each in decoded)
    return np.concatenate([each.to_ndarray().reshape(-1) for each in decoded]).astype(np.int64)


def silent_frames(silence: Silence) -> list[bytes]:
    ends = np.cumsum(silence.size).tolist()
    return [
        silence.body[end - size : end]
        for end, size in zip(ends, silence.size.tolist(), strict=True)
    ]


def durations(codec: AudioCodec, frames: Sequence[bytes]) -> list[int]:
    """Ticks that each of these frames lasts."""
    length = np.array([len(frame) for frame in frames], np.int64)
    buffer = np.frombuffer(b"".join(frames) + b"\0", np.uint8)
    return codec.durations(buffer, np.cumsum(length) - length, length).tolist()


def in_order(packets: Packets) -> Packets:
    """Packets whose sequence numbers do not wrap, as they were sent."""
    return packets.take(np.argsort(packets.sequence_number, kind="stable"))


def read_capture(path: Path) -> tuple[Packets, list[dict[str, Any]]]:
    """The packets of a dump in the order they were sent, and what its golden file says of them."""
    packets, malformed = read_packets(read_dump(path.read_bytes()))
    assert malformed == 0
    return in_order(packets), json.loads(path.with_suffix(".json").read_text())["frames"]


def payloads(packets: Packets) -> list[bytes]:
    return [
        packets.buffer[at : at + size].tobytes()
        for at, size in zip(packets.payload_offset, packets.payload_length, strict=True)
    ]
