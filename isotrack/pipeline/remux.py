"""Remux: the chunks of one source become its recording files, re-encoding only turned pictures.

First a look at the ends of the chunks tells what there is and when it plays (`survey`), then one
reading of the media writes all files at once (`merging`, `muxing`). The same chunks give the same
bytes, so a step that died or ran twice leaves one file.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from isotrack.pipeline import heap
from isotrack.pipeline.chunks import ChunkReader
from isotrack.pipeline.describing import Description, describe
from isotrack.pipeline.merging import LaneMerger
from isotrack.pipeline.muxing import OutputMuxer
from isotrack.pipeline.plan import read_manifest
from isotrack.pipeline.ports import BlackPictures, ObjectStore, PictureTurners
from isotrack.pipeline.sidecars import make_sidecar
from isotrack.pipeline.survey import Survey, survey
from isotrack.recording.errors import NothingPlayable
from isotrack.recording.files import RecordingFile
from isotrack.recording.jobs import Job, Remuxed
from isotrack.recording.layout import laid_out
from isotrack.recording.options import RemuxOptions
from isotrack.recording.outputs import resolve_outputs

CONTENT_TYPE = "video/x-matroska"

MANY_CHUNKS = 2000
"""What more takes to be parsed, and their clocks to be fitted, is worth being returned."""


def remux(
    job: Job,
    *,
    raw: ObjectStore,
    recordings: ObjectStore,
    checksum: Callable[[memoryview], int],
    turners: PictureTurners | None = None,
    black_pictures: BlackPictures | None = None,
    options: RemuxOptions | None = None,
) -> Remuxed:
    """Make the files of one source of one participant session.

    Args:
        job: which source of which manifest.
        raw: holds the manifest and its chunks.
        recordings: takes the files and their sidecars.
        checksum: CRC-32C of bytes.
        turners: makes what turns the pictures of a camera that is turned during the call; without
            it the header and the sidecar tell of it, as with the option `metadata`.
        black_pictures: makes what the option `black` puts into gaps of video; without it the last
            picture stands, as with the option `hold`.
        options: instead of those in the manifest.

    Raises:
        CorruptInput: the manifest cannot be read.
        NothingPlayable: the source was published, and nothing of it can be played.
        Transient: a store was busy; try again.
        DestinationError: the recordings' store refused.
    """
    manifest = read_manifest(job.manifest_key, raw).model_copy(update={"revision": job.revision})
    captured = [t for t in manifest.tracks if t.track.track_type.source is job.source]
    chunks = ChunkReader(raw, checksum)
    options = manifest.options if options is None else options
    found = survey(captured, chunks, options.layer)
    if sum(len(track.chunks) for track in captured) > MANY_CHUNKS:
        heap.trim()
    if not found.lanes:
        raise NothingPlayable(_why_nothing(job, found, chunks))
    outputs = resolve_outputs(manifest.output_types, found.kinds, job.source)
    descriptions = [describe(manifest, found, output) for output in outputs]
    if options.orientation == "metadata":
        turners = None
    start_us = min(lane.start_us for lane in found.lanes)
    merger = LaneMerger(found, chunks, start_us, turners, options, black_pictures)
    files = _write(descriptions, found, merger, chunks, recordings) if descriptions else ()
    return Remuxed(job=job, files=tuple(files))


def _write(
    descriptions: Sequence[Description],
    found: Survey,
    merger: LaneMerger,
    chunks: ChunkReader,
    recordings: ObjectStore,
) -> Iterator[RecordingFile]:
    with _muxers(descriptions, found, recordings) as muxers, _without_collection():
        for window in merger.windows():
            for muxer in muxers:
                muxer.push(window)
            del window  # and with it the memory of its chunks, before the next are read
        for description, muxer in zip(descriptions, muxers, strict=True):
            muxer.commit(description.entries(merger))
    for description, muxer in zip(descriptions, muxers, strict=True):
        size, digest = _read_back(recordings, description.key)
        resolutions = description.resolutions(merger)
        file = description.file(
            muxer, resolutions, size_bytes=size, sha256=digest, complete=not chunks.missing
        )
        sidecar = make_sidecar(file, description, muxer, merger, chunks.missing.values())
        body = f"{laid_out(sidecar.model_dump(mode='json'))}\n".encode()
        recordings.put(file.sidecar_key, body, content_type="application/json")
        yield file


@contextmanager
def _without_collection() -> Iterator[None]:
    """Keep the garbage collector from looking through millions of slices, none of them garbage."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


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
    reasons += dict.fromkeys(track.problem for track in found.tracks)
    if chunks.missing:
        listed = ", ".join(f"{m.key} ({m.problem})" for m in list(chunks.missing.values())[:3])
        reasons.append(f"{len(chunks.missing)} chunks are not usable: {listed}")
    return f"{job.source} of {job.manifest_key}: " + "; ".join(reasons or ["no track"])
