"""The chunks of a captured track, read ahead and checked against the manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.media.outline import Headers
from isotrack.pipeline.batches import Batch, batches, fetched, groups
from isotrack.pipeline.buffers import BufferPool
from isotrack.pipeline.outlining import (
    is_one_stream,
    joined_headers,
    record_headers,
    trailer_headers,
)
from isotrack.pipeline.ports import ObjectMissing, ObjectStore
from isotrack.recording.manifest import Chunk
from isotrack.recording.sidecar import MissingChunk
from isotrack.rtp.dump import MAX_RECORDS, DumpError, read_dump, read_dumps
from isotrack.rtp.records import Records, joined
from isotrack.rtp.trailer import FoundTrailer, find_trailer, read_trailers, size_bound

ROOM = 1 << 18
"""Bytes left free before each chunk, for the packets that wait over the end of the one before."""

MAX_CHUNK = 1 << 30
"""Nobody seals more into one chunk; a manifest that says so is not believed."""

LARGE_CHUNK = 16 << 20
"""Larger than any that we seal: for those, memory is taken for what there is, not for what the
manifest says there is."""

BATCH = 8 << 20
"""Bytes of chunks that are worked on at once: an array of a few hundred packets takes about as long
as one of a few thousand."""


class ReadChunk(NamedTuple):
    """The records of one chunk, or of several small ones."""

    number: int
    """Of the last of them in its track, from 0."""
    records: Records


class _Body(NamedTuple):
    """Where a chunk is in a buffer, and whether its bytes are those that were sealed."""

    chunk: Chunk
    begin: int
    end: int
    sound: bool


class _Bodies(NamedTuple):
    """Chunks one after the other in a buffer, those that are there."""

    buffer: NDArray[np.uint8]
    parts: list[_Body]


class ChunkReader:
    """Reads the chunks of a track in order; what cannot be used is noted and passed over.

    Args:
        store: where the chunks are.
        checksum: CRC-32C of a chunk's bytes.
        batch: bytes of chunks that are worked on at once, where they have fewer.
    """

    def __init__(
        self, store: ObjectStore, checksum: Callable[[memoryview], int], batch: int = BATCH
    ) -> None:
        self._store = store
        self._checksum = checksum
        self._batch = batch
        self.missing: dict[str, MissingChunk] = {}
        """By key: chunks that are not there, damaged or torn."""

    def outlines(self, chunks: Sequence[Chunk], *, whole: bool = False) -> Iterator[Headers]:
        """What the headers of the chunks say, oldest first, from their last bytes where they tell.

        They come in the batches that `read` has, or several at once where they tell of one stream:
        so nobody takes a stream to go on for longer than it does.

        Args:
            chunks: of a track.
            whole: read all of each, for what stands in the packets themselves.

        Raises:
            Transient: the store could not answer; nothing is known to be missing then.
        """
        buffers, ahead = BufferPool(), self._store.read_ahead
        batched = batches(chunks, self._batch)
        if whole:
            for _, headers in fetched(batched, partial(self._whole, buffers), ahead):
                yield from headers
        else:
            ends = fetched(groups(batched, self._batch), partial(self._trailers, buffers), ahead)
            for group, trailers in ends:
                yield from self._outlines(buffers, group, trailers)

    def read(self, chunks: Sequence[Chunk], *, singly: bool = False) -> Iterator[ReadChunk]:
        """The records of the chunks, oldest first, with `ROOM` in front of them.

        Args:
            chunks: of a track.
            singly: each on its own, for who may need no more than the first.

        Raises:
            Transient: the store could not answer; nothing is known to be missing then.
        """
        fetch = partial(self._bodies, BufferPool())  # which goes with the last chunk
        batched = batches(chunks, 1 if singly else self._batch)
        for batch, bodies in fetched(batched, fetch, self._store.read_ahead):
            records = self._parse(bodies)
            if records is not None:
                yield ReadChunk(batch.number, records)
            del bodies, records  # their memory is wanted for those that are read next

    def _trailers(
        self, buffers: BufferPool, group: Sequence[Batch]
    ) -> list[list[FoundTrailer | None]]:
        """The trailers of the chunks of each batch; None where there is none to be believed."""
        buffer = buffers.take(sum(_tail_size(chunk) for batch in group for chunk in batch.chunks))
        found = []
        for batch in group:
            of_batch: list[FoundTrailer | None] = []
            for chunk in batch.chunks:
                size = _tail_size(chunk)
                tail, buffer = buffer[:size], buffer[size:]
                try:
                    count = self._store.tail_into(chunk.key, tail.data)
                except ObjectMissing:
                    count = 0  # which is noted once it is read whole
                of_batch.append(find_trailer(tail[:count]))
            found.append(of_batch)
        return found

    def _outlines(
        self,
        buffers: BufferPool,
        group: Sequence[Batch],
        trailers: Sequence[Sequence[FoundTrailer | None]],
    ) -> Iterator[Headers]:
        """What the headers of batches say: of each, or of all where they are of one stream."""
        found = [each for of_batch in trailers for each in of_batch if each is not None]
        complete = len(found) == sum(map(len, trailers))
        told = read_trailers(found) if complete else None
        if told is None:
            for batch, of_batch in zip(group, trailers, strict=True):
                yield from self._one_by_one(buffers, batch, of_batch)
            return
        together = trailer_headers(group[-1].number, told)
        if len(group) == 1 or is_one_stream(together.packets):
            yield together
            return
        begin = 0
        for batch, of_batch in zip(group, trailers, strict=True):
            end = begin + sum(each.records for each in of_batch if each)
            yield trailer_headers(batch.number, told.part(begin, end))
            begin = end

    def _one_by_one(
        self, buffers: BufferPool, batch: Batch, trailers: Sequence[FoundTrailer | None]
    ) -> Iterator[Headers]:
        """What the headers of a batch say, if anything: chunks without a trailer are read whole."""
        found = []
        for chunk, trailer in zip(batch.chunks, trailers, strict=True):
            told = None if trailer is None else read_trailers([trailer])
            if told is None:
                found += self._whole(buffers, Batch(batch.number, [chunk]))
            else:
                found.append(trailer_headers(batch.number, told))
        if found:
            yield joined_headers(batch.number, found)

    def _whole(self, buffers: BufferPool, batch: Batch) -> list[Headers]:
        """What the headers of a batch say, if there is anything of it."""
        records = self._parse(self._bodies(buffers, batch))
        return [] if records is None else [record_headers(batch.number, records)]

    def _bodies(self, buffers: BufferPool, batch: Batch) -> _Bodies:
        """The chunks behind `ROOM` free bytes."""
        sizes = [min(chunk.size_bytes, MAX_CHUNK) for chunk in batch.chunks]
        if max(sizes) > LARGE_CHUNK:
            return self._large_body(batch.chunks[0], sizes[0])  # which is alone
        buffer = buffers.take(ROOM + sum(sizes))
        at, parts = ROOM, []
        for chunk, size in zip(batch.chunks, sizes, strict=True):
            try:
                count = self._store.read_into(chunk.key, buffer.data[at : at + size])
            except ObjectMissing:
                self._note_missing(chunk)
            else:
                parts.append(self._body(chunk, buffer, at, at + count))
                at += count
        return _Bodies(buffer[:at], parts)

    def _large_body(self, chunk: Chunk, size: int) -> _Bodies:
        """What there is of a chunk that is said to have so many bytes."""
        body = bytearray(ROOM)
        try:
            for piece in self._store.stream(chunk.key):
                body += piece[: ROOM + size - len(body)]
        except ObjectMissing:
            self._note_missing(chunk)
            return _Bodies(np.zeros(0, np.uint8), [])
        buffer = np.frombuffer(body, np.uint8)
        return _Bodies(buffer, [self._body(chunk, buffer, ROOM, buffer.size)])

    def _body(self, chunk: Chunk, buffer: NDArray[np.uint8], begin: int, end: int) -> _Body:
        """A chunk that was just read: so its bytes are summed up while they are in the cache."""
        whole = end - begin == chunk.size_bytes
        sound = whole and self._checksum(buffer.data[begin:end]) == chunk.crc32c
        return _Body(chunk, begin, end, sound)

    def _parse(self, bodies: _Bodies) -> Records | None:
        """What can be read of the chunks, be they damaged; None if nothing can."""
        if not bodies.parts:
            return None
        together = read_dumps(bodies.buffer, [(part.begin, part.end) for part in bodies.parts])
        if together is None:
            return self._parse_one_by_one(bodies)
        for part in bodies.parts:
            self._note_damage(part)
        return together

    def _parse_one_by_one(self, bodies: _Bodies) -> Records | None:
        found = []
        for part in bodies.parts:
            self._note_damage(part)
            try:
                records = read_dump(bodies.buffer[: part.end], part.begin)
            except DumpError as error:
                self._note(part.chunk, "corrupt", str(error))
                continue
            if not records.intact:
                left = f"{len(records.offset)} of {part.chunk.packets} records are left"
                self._note(part.chunk, "torn", left)
            found.append(records)
        return joined(bodies.buffer, found) if found else None

    def _note_damage(self, part: _Body) -> None:
        size = part.end - part.begin
        if size != part.chunk.size_bytes:
            self._note(part.chunk, "torn", f"{size} bytes are left of {part.chunk.size_bytes}")
        elif not part.sound:
            self._note(part.chunk, "corrupt", f"its {size} bytes are not those that were sealed")

    def _note_missing(self, chunk: Chunk) -> None:
        self._note(chunk, "missing", "the manifest lists it, the store does not have it")

    def _note(self, chunk: Chunk, problem: str, detail: str) -> None:
        noted = {"key": chunk.key, "problem": problem, "detail": detail}
        self.missing.setdefault(chunk.key, MissingChunk.model_validate(noted))


def _tail_size(chunk: Chunk) -> int:
    """Bytes at the end of a chunk that hold its trailer."""
    # With more records than that it is none of ours, and has no trailer.
    return min(size_bound(min(chunk.packets, MAX_RECORDS)), chunk.size_bytes)
