"""What the tests of remux share: a call, its files, and what is in them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import NamedTuple

import av

from isotrack.adapters.checksums import crc32c_of
from isotrack.adapters.memory import MemoryStore
from isotrack.pipeline.ports import ObjectStore
from isotrack.pipeline.remux import remux
from isotrack.recording.files import RecordingFile
from isotrack.recording.outputs import OutputType
from isotrack.recording.sidecar import Sidecar
from isotrack.recording.tracks import Source, TrackType
from tests.ebml_reader import Block, Matroska, read_matroska
from tests.sessions import START_US, Session, opus_call, vp8_call

VIDEO_US, AUDIO_US = START_US + 1_500_000, START_US + 1_000_000


class Demuxed(NamedTuple):
    """A packet as FFmpeg reads it."""

    track: int
    time_ms: int
    keyframe: bool
    frame: bytes


def call(
    seconds: float = 12, *, chunk_us: int = 5_000_000, **outputs: tuple[OutputType, ...]
) -> Session:
    """Sound that begins a second after the recording, and video half a second later."""
    session = Session(**outputs)
    session.capture(TrackType.AUDIO, opus_call(seconds, start_us=AUDIO_US), chunk_us=chunk_us)
    session.capture(TrackType.VIDEO, vp8_call(seconds, start_us=VIDEO_US), chunk_us=chunk_us)
    session.seal()
    return session


def made(
    session: Session,
    store: ObjectStore | None = None,
    source: Source = Source.PARTICIPANT,
    *,
    raw: ObjectStore | None = None,
    revision: int = 1,
) -> list[RecordingFile]:
    """The files of a session, in the order of their output types."""
    remuxed = remux(
        session.job(source, revision=revision),
        raw=session.store if raw is None else raw,
        recordings=session.store if store is None else store,
        checksum=crc32c_of,
    )
    return list(remuxed.files)


def matroska(store: MemoryStore, file: RecordingFile) -> Matroska:
    """A file as our strict reader finds it."""
    return read_matroska(store.objects[file.key])


def sidecar(store: MemoryStore, file: RecordingFile) -> Sidecar:
    """What is said about a file."""
    return Sidecar.model_validate_json(store.objects[file.sidecar_key])


def of_track(blocks: Sequence[Block], number: int) -> list[Block]:
    """The blocks of one track."""
    return [block for block in blocks if block.track == number]


def demuxed(store: MemoryStore, file: RecordingFile) -> list[Demuxed]:
    """A file as FFmpeg reads it."""
    with av.open(io.BytesIO(store.objects[file.key])) as container:
        return [
            Demuxed(packet.stream.index + 1, packet.pts, packet.is_keyframe, bytes(packet))
            for packet in container.demux()
            if packet.size
        ]
