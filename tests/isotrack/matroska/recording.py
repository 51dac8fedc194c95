"""Real media for the muxer's tests, and the shortest program that writes a file."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

import av
import numpy as np

from isotrack.matroska.blocks import block_headers
from isotrack.matroska.tags import Tag
from isotrack.matroska.tracks import TrackEntry
from isotrack.matroska.writer import MatroskaWriter

START_NS = 1_700_000_000_123_456_789
SEGMENT_UID = bytes(range(16))
OPUS_HEAD_STEREO = b"OpusHead\x01\x02\x00\x00\x80\xbb\x00\x00\x00\x00\x00"


class Frame(NamedTuple):
    track: int
    time_ms: int
    keyframe: bool
    data: bytes


def write_file(
    tracks: Sequence[TrackEntry],
    frames: Iterable[Frame],
    *,
    duration_ms: int,
    cluster_ms: int = 1000,
    title: str = "A recording",
    tags: Sequence[Tag] = (),
) -> bytes:
    """A finished file: a cluster per `cluster_ms`, cues to every keyframe of video."""
    writer = MatroskaWriter(
        tracks,
        start_ns=START_NS,
        title=title,
        tags=tags,
        segment_uid=SEGMENT_UID,
    )
    first = writer.head()
    video = {track.number for track in tracks if track.kind == "video"}
    clusters: dict[int, list[Frame]] = {}
    for frame in sorted(frames, key=lambda frame: frame.time_ms):
        clusters.setdefault(frame.time_ms // cluster_ms * cluster_ms, []).append(frame)
    body = b"".join(write_cluster(writer, at, held, video) for at, held in clusters.items())
    tail, head = writer.finish(tracks, duration_ms)
    assert len(head) == len(first)
    return head + body + tail


def write_cluster(
    writer: MatroskaWriter, timestamp_ms: int, frames: Sequence[Frame], cued: set[int]
) -> bytes:
    headers = block_headers(
        np.array([len(frame.data) for frame in frames]),
        np.array([frame.track for frame in frames]),
        np.array([frame.time_ms - timestamp_ms for frame in frames]),
        np.array([frame.keyframe for frame in frames]),
    )
    blocks = [header.tobytes() + frame.data for header, frame in zip(headers, frames, strict=True)]
    offsets = np.cumsum([0, *map(len, blocks)]).tolist()
    cues = [
        (frame.track, frame.time_ms - timestamp_ms, offset)
        for frame, offset in zip(frames, offsets, strict=False)
        if frame.keyframe and frame.track in cued
    ]
    return writer.cluster(timestamp_ms, offsets[-1], cues) + b"".join(blocks)


def encode_video(
    codec: str, width: int, height: int, count: int, *, start_ms: int = 0, track: int = 1
) -> list[Frame]:
    """Moving gray at 25 frames a second, a keyframe every 25; H.264 as Annex B."""
    context = av.CodecContext.create(codec, "w")
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 1000), Fraction(25)
    context.gop_size, context.max_b_frames, context.thread_count = 25, 0, 1
    context.options = (
        {"deadline": "realtime", "lag-in-frames": "0"}
        if codec == "libvpx"
        else {"preset": "ultrafast", "tune": "zerolatency"}
    )
    packets = []
    rows = np.arange(height * 3 // 2)[:, None] + np.arange(width)[None, :]
    for index in range(count):
        picture = av.VideoFrame.from_ndarray(
            (rows * 3 + index * 7).astype(np.uint8), format="yuv420p"
        )
        picture.pts = start_ms + index * 40
        packets += context.encode(picture)
    packets += context.encode(None)
    return [Frame(track, packet.pts, packet.is_keyframe, bytes(packet)) for packet in packets]


def encode_opus(count: int, *, track: int = 2) -> list[Frame]:
    """A stereo tone in frames of 20 ms."""
    context = av.CodecContext.create("libopus", "w")
    context.sample_rate, context.layout, context.format = 48_000, "stereo", "s16"
    frames = []
    for index in range(count):
        at = np.arange(index * 960, (index + 1) * 960)
        tone = (8000 * np.sin(at * 440 * 2 * np.pi / 48_000)).astype(np.int16)
        sound = av.AudioFrame.from_ndarray(
            np.repeat(tone, 2).reshape(1, -1), format="s16", layout="stereo"
        )
        sound.sample_rate, sound.pts = 48_000, index * 960
        frames += [bytes(packet) for packet in context.encode(sound)]
    return [Frame(track, index * 20, True, frame) for index, frame in enumerate(frames)]


def to_avcc(frames: Iterable[Frame]) -> list[Frame]:
    """Annex B start codes replaced by lengths of four bytes (ISO/IEC 14496-15)."""
    return [frame._replace(data=b"".join(map(_prefixed, nal_units(frame)))) for frame in frames]


def nal_units(frame: Frame) -> list[bytes]:
    return [unit.rstrip(b"\0") for unit in re.split(b"\0\0\1", frame.data)[1:]]


def _prefixed(unit: bytes) -> bytes:
    return len(unit).to_bytes(4, "big") + unit


def avcc_of(keyframe: Frame) -> bytes:
    """The AVCDecoderConfigurationRecord of an Annex B keyframe with its parameter sets."""
    by_type = {unit[0] & 0x1F: unit for unit in nal_units(keyframe)}
    sps, pps = by_type[7], by_type[8]
    sets = b"\xe1" + len(sps).to_bytes(2, "big") + sps + b"\1" + len(pps).to_bytes(2, "big") + pps
    return b"\1" + sps[1:4] + b"\xff" + sets


def mux_with_pyav(codec: str, frames: Sequence[Frame], **settings: object) -> bytes:
    """The same packets in a file written by FFmpeg's muxer."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska", options={"fflags": "+bitexact"}) as container:
        stream = container.add_mux_stream(codec, **settings)
        for frame in frames:
            packet = av.Packet(frame.data)
            packet.stream, packet.time_base = stream, Fraction(1, 1000)
            packet.pts = packet.dts = frame.time_ms
            packet.is_keyframe = frame.keyframe
            container.mux(packet)
    return file.getvalue()


def demux(file: bytes, kind: str | None = None) -> list[Frame]:
    """What FFmpeg finds in a file, in its order."""
    with av.open(io.BytesIO(file)) as container:
        streams = [s for s in container.streams if kind in (None, s.type)]
        assert all(stream.time_base == Fraction(1, 1000) for stream in streams)
        return [
            Frame(packet.stream.index + 1, packet.pts, packet.is_keyframe, bytes(packet))
            for packet in container.demux(streams)
            if packet.size
        ]
