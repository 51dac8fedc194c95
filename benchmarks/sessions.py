"""A participant session as an agent leaves it: sealed chunks of repeated loops, and a manifest.

The chunks are put in a folder; or their ends are, and they are made when they are asked for out of
the packets of one loop (`benchmarks.looped`).
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from benchmarks.codecs import Codec
from benchmarks.loop import START_US, Loop
from benchmarks.looped import TEMPLATES, LoopedStore
from benchmarks.repeats import Template
from isotrack.adapters.checksums import crc32c_of
from isotrack.adapters.filesystem import FilesystemStore
from isotrack.recording import keys
from isotrack.recording.manifest import CapturedTrack, Chunk, Manifest, SealReason
from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import Call, ParticipantSession, Track, TrackType

_STARTED = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=START_US)
_CALL = Call(call_type="default", call_id="benchmark")
_CHUNK_US = 10_000_000  # as the agent has it
_TAIL = 1 << 16
"""Bytes of the end of each chunk that are kept when its rest is made as it is read."""

OUTPUTS = {
    "one": (OutputType.AUDIO_VIDEO,),
    "three": (OutputType.AUDIO_ONLY, OutputType.VIDEO_ONLY, OutputType.AUDIO_VIDEO),
}
"""The output types asked for, by the name of the egress they are asked in."""


def manifest_key(egress: str) -> str:
    """Of the session, with the outputs of that egress."""
    return keys.manifest(keys.session_prefix(_CALL, egress, "us-alice"))


def chunk_key(track_id: str, number: int) -> str:
    """Of a chunk; all egresses have the same."""
    return keys.chunk(keys.session_prefix(_CALL, "one", "us-alice"), track_id, number)


def write_session(folder: Path, loops: Sequence[Loop], seconds: int, *, looped: bool) -> None:
    """Write the manifests of a session of so many seconds, and its chunks or their ends."""
    store = FilesystemStore(folder)
    captured = []
    for loop in loops:
        templates = list(_templates(loop, seconds * 1_000_000))
        chunks = []
        for number in range(len(templates) * max(1, seconds // loop.codec.loop_s)):
            repeat, index = divmod(number, len(templates))
            body = templates[index].chunk(repeat)
            chunks.append(_chunk(loop.codec, number, templates[index], repeat, body))
            path = folder / chunks[-1].key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body[-_TAIL:] if looped else body)
        captured.append(CapturedTrack(track=_track(loop.codec), chunks=tuple(chunks)))
        for index, template in enumerate(templates if looped else ()):
            path = folder / TEMPLATES / f"{loop.codec.kind}-{index:03}"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(pickle.dumps(template))
    for egress, output_types in OUTPUTS.items():
        manifest = _manifest(egress, captured, output_types)
        store.put(manifest_key(egress), manifest.model_dump_json().encode())


def _templates(loop: Loop, limit_us: int) -> Iterator[Template]:
    """The chunks of one loop, or of its packets before the limit."""
    arrival_us = loop.arrival_us[loop.arrival_us < limit_us]
    for span in range(int(arrival_us[-1]) // _CHUNK_US + 1):
        rows = np.flatnonzero(arrival_us // _CHUNK_US == span)
        datagrams = [loop.data[row] for row in rows.tolist()]
        length = np.array([len(datagram) for datagram in datagrams], np.int64)
        yield Template(
            buffer=np.frombuffer(bytearray(b"".join(datagrams)), np.uint8),
            length=length,
            arrival_us=START_US + arrival_us[rows],
            is_rtcp=loop.is_rtcp[rows],
            counters=loop.counters(rows, np.cumsum(length) - length),
            step_us=loop.codec.loop_s * 1_000_000,
        )


def looped_store(folder: Path) -> LoopedStore:
    """The store of a session whose chunks are made as they are read."""
    kinds = {chunk_key(kind, 0).rpartition("/")[0]: kind for kind in ("audio", "video")}
    return LoopedStore(folder, kinds)


def _chunk(codec: Codec, number: int, template: Template, repeat: int, body: bytearray) -> Chunk:
    """What the manifest says of a chunk."""
    later_us = repeat * template.step_us
    return Chunk(
        key=chunk_key(codec.kind, number),
        size_bytes=len(body),
        crc32c=crc32c_of(memoryview(body)),
        packets=len(template.length),
        first_arrival_us=int(template.arrival_us[0]) + later_us,
        last_arrival_us=int(template.arrival_us[-1]) + later_us,
    )


def _track(codec: Codec) -> Track:
    return Track(
        track_id=codec.kind,
        track_type=TrackType(codec.kind),
        mime_type=f"{codec.kind}/{codec.name}",
        payload_type=codec.payload_type,
        clock_rate=codec.clock_rate,
        channels=codec.channels,
        ssrc=codec.ssrc,
        fmtp={"packetization-mode": "1"} if codec.name == "h264" else {},
        announced_at=_STARTED,
    )


def _manifest(
    egress: str, captured: Sequence[CapturedTrack], output_types: tuple[OutputType, ...]
) -> Manifest:
    return Manifest(
        call=_CALL,
        call_session_id="cs",
        egress_id=egress,
        recording_started_at=_STARTED,
        participant=ParticipantSession(
            user_id="alice", user_session_id="us-alice", joined_at=_STARTED
        ),
        tracks=tuple(captured),
        output_types=output_types,
        sealed_at=_STARTED,
        reason=SealReason.CALL_ENDED,
        agent_id="agent",
    )
