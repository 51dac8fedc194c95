"""Remux: the chunks of one source become its recording files, without re-encoding anything.

Two readings: the first finds out what there is and when it plays (`survey`), the second writes all
files at once (`merging`, `muxing`). The same chunks give the same bytes, so a step that died or ran
twice leaves one file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from isotrack.pipeline.chunks import ChunkReader
from isotrack.pipeline.describing import Description, describe
from isotrack.pipeline.merging import LaneMerger
from isotrack.pipeline.muxing import OutputMuxer
from isotrack.pipeline.plan import read_manifest
from isotrack.pipeline.ports import ObjectStore
from isotrack.pipeline.survey import Survey, survey
from isotrack.recording.errors import NothingPlayable
from isotrack.recording.files import RecordingFile
from isotrack.recording.jobs import Job, Remuxed
from isotrack.recording.manifest import Manifest
from isotrack.recording.outputs import resolve_outputs

CONTENT_TYPE = "video/x-matroska"


def remux(
    job: Job, *, raw: ObjectStore, recordings: ObjectStore, checksum: Callable[[bytes], int]
) -> Remuxed:
    """Make the files of one source of one participant session.

    Args:
        job: which source of which manifest.
        raw: holds the manifest and its chunks.
        recordings: takes the files and their sidecars.
        checksum: CRC-32C of bytes.

    Raises:
        CorruptInput: the manifest cannot be read.
        NothingPlayable: the source was published, and nothing of it can be played.
        Transient: a store was busy; try again.
        DestinationError: the recordings' store refused.
    """
    manifest = read_manifest(job.manifest_key, raw)
    captured = [t for t in manifest.tracks if t.track.track_type.source is job.source]
    chunks = ChunkReader(raw, checksum)
    found = survey(captured, chunks)
    if not found.lanes:
        raise NothingPlayable(_why_nothing(job, found, chunks))
    outputs = resolve_outputs(manifest.output_types, found.kinds, job.source)
    descriptions = [describe(manifest, found, output) for output in outputs]
    files = _write(descriptions, manifest, found, chunks, recordings) if descriptions else ()
    return Remuxed(job=job, files=tuple(files))


def _write(
    descriptions: Sequence[Description],
    manifest: Manifest,
    found: Survey,
    chunks: ChunkReader,
    recordings: ObjectStore,
) -> Iterator[RecordingFile]:
    merger = LaneMerger(found, chunks, min(lane.start_us for lane in found.lanes))
    with _muxers(descriptions, found, recordings) as muxers:
        for window in merger.windows():
            for muxer in muxers:
                muxer.push(window)
        for muxer in muxers:
            muxer.commit()
    for description, muxer in zip(descriptions, muxers, strict=True):
        size, digest = _read_back(recordings, description.key)
        file = description.file(size, digest, complete=not chunks.missing)
        sidecar = description.sidecar(
            file, manifest, muxer, merger.fillers, chunks.missing.values()
        )
        body = sidecar.model_dump_json(indent=1).encode()
        recordings.put(file.sidecar_key, body, content_type="application/json")
        yield file


@contextmanager
def _muxers(
    descriptions: Sequence[Description], found: Survey, recordings: ObjectStore
) -> Iterator[list[OutputMuxer]]:
    """A muxer per file; none of the files is left half done when anything goes wrong."""
    with ExitStack() as undo:
        muxers: list[OutputMuxer] = []
        for description in descriptions:
            target = recordings.writer(description.key, content_type=CONTENT_TYPE)
            undo.callback(target.abort)
            muxer = OutputMuxer(
                found.lanes,
                description.chosen,
                description.start_us,
                description.matroska(),
                target,
            )
            muxers.append(muxer)
        yield muxers
        undo.pop_all()


def _read_back(store: ObjectStore, key: str) -> tuple[int, str]:
    """Size and SHA-256 of an object as the store gives it out: what the event vouches for."""
    digest, size = hashlib.sha256(), 0
    for piece in store.stream(key):
        digest.update(piece)
        size += len(piece)
    return size, digest.hexdigest()


def _why_nothing(job: Job, found: Survey, chunks: ChunkReader) -> str:
    """A sentence that tells the owner of the call what kept their file from being made."""
    reasons = []
    if found.unsupported:
        reasons.append(f"codecs that are not supported: {', '.join(found.unsupported)}")
    received = sum(track.counts.received for track in found.tracks)
    if found.tracks and not received:
        reasons.append("no packet of the announced payload type and SSRC came")
    elif found.tracks:
        left_out = sum(track.counts.frames_left_out for track in found.tracks)
        reasons.append(f"{received} packets came, but no decodable frame ({left_out} left out)")
    if chunks.missing:
        listed = ", ".join(f"{m.key} ({m.problem})" for m in list(chunks.missing.values())[:3])
        reasons.append(f"{len(chunks.missing)} chunks are not usable: {listed}")
    return f"{job.source} of {job.manifest_key}: " + "; ".join(reasons or ["no track"])
