"""The chunks of a captured track, read ahead and checked against the manifest."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from isotrack.media.outline import Headers
from isotrack.pipeline.buffers import BufferPool
from isotrack.pipeline.ports import ObjectMissing, ObjectStore
from isotrack.recording.manifest import Chunk
from isotrack.recording.sidecar import MissingChunk
from isotrack.rtp import trailer
from isotrack.rtp.dump import MAX_RECORDS, DumpError, read_dump
from isotrack.rtp.packet import Packets, read_packets
from isotrack.rtp.records import Records, joined
from isotrack.rtp.trailer import Trailer

ROOM = 1 << 18
"""Bytes left free before each chunk, for the packets that wait over the end of the one before."""

MAX_CHUNK = 1 << 30
"""Nobody seals more into one chunk; a manifest that says so is not believed."""

LARGE_CHUNK = 16 << 20
"""Larger than any that we seal: for those, memory is taken for what there is, not for what the
manifest says there is."""

BATCH = 6 << 20
"""Bytes of chunks that are worked on at once: an array of a few hundred packets takes about as long
as one of a few thousand."""

T = TypeVar("T")


class ReadChunk(NamedTuple):
    """The records of one chunk, or of several small ones."""

    number: int
    """Of the last of them in its track, from 0."""
    records: Records


class _Bodies(NamedTuple):
    """Chunks one after the other in a buffer."""

    buffer: NDArray[np.uint8]
    ranges: list[tuple[Chunk, int, int]]
    """Each chunk that is there, where it begins and where it ends."""


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
        """What the headers of each chunk say, oldest first, from its last bytes where they tell.

        Args:
            chunks: of a track.
            whole: read all of each, for what stands in the packets themselves.

        Raises:
            Transient: the store could not answer; nothing is known to be missing then.
        """
        fetch = self._whole if whole else self._outline
        for number, found in self._ahead(chunks, fetch):
            if found:
                yield _joined_headers(number, found)

    def read(self, chunks: Sequence[Chunk], *, singly: bool = False) -> Iterator[ReadChunk]:
        """The records of the chunks, oldest first, with `ROOM` in front of them.

        Args:
            chunks: of a track.
            singly: each on its own, for who may need no more than the first.

        Raises:
            Transient: the store could not answer; nothing is known to be missing then.
        """
        buffers = BufferPool()  # which goes with the last chunk
        for number, bodies in self._ahead(chunks, partial(self._bodies, buffers), singly=singly):
            records = self._parse(bodies)
            if records:
                yield ReadChunk(number, joined(bodies.buffer, records))

    def _ahead(
        self,
        chunks: Sequence[Chunk],
        fetch: Callable[[Sequence[Chunk]], T],
        *,
        singly: bool = False,
    ) -> Iterator[tuple[int, T]]:
        """What is fetched of the chunks, a batch at a time, and the number of its last chunk.

        As many requests are under way as the store is fit for.
        """
        ahead = self._store.read_ahead
        batches = list(_batches(chunks, 1 if singly else self._batch))
        if not ahead:
            for number, batch in batches:
                yield number, fetch(batch)
            return
        with ThreadPoolExecutor(ahead, thread_name_prefix="chunks") as pool:
            left = iter(batches)
            under_way: deque[tuple[int, Future[T]]] = deque(
                (number, pool.submit(fetch, batch)) for number, batch in islice(left, ahead)
            )
            while under_way:
                number, future = under_way.popleft()
                result = future.result()
                for following, batch in islice(left, 1):
                    under_way.append((following, pool.submit(fetch, batch)))
                yield number, result

    def _outline(self, chunks: Sequence[Chunk]) -> list[Headers]:
        found = []
        for chunk in chunks:
            # With more records than that it is none of ours, and has no trailer.
            records = min(chunk.packets, MAX_RECORDS)
            size = min(trailer.size_bound(records), chunk.size_bytes)
            try:
                tail = np.frombuffer(self._store.tail(chunk.key, size), np.uint8)
            except ObjectMissing:
                self._note_missing(chunk)
                continue
            told = trailer.read_trailer(tail)
            found += self._whole([chunk]) if told is None else [_trailer_headers(told)]
        return found

    def _whole(self, chunks: Sequence[Chunk]) -> list[Headers]:
        bodies = self._bodies(BufferPool(), chunks)
        records = self._parse(bodies)
        return [record_headers(joined(bodies.buffer, records))] if records else []

    def _bodies(self, buffers: BufferPool, chunks: Sequence[Chunk]) -> _Bodies:
        """The chunks behind `ROOM` free bytes."""
        sizes = [min(chunk.size_bytes, MAX_CHUNK) for chunk in chunks]
        if max(sizes) > LARGE_CHUNK:
            return self._large_body(chunks[0], sizes[0])  # which is alone
        buffer = buffers.take(ROOM + sum(sizes))
        at, ranges = ROOM, []
        for chunk, size in zip(chunks, sizes, strict=True):
            try:
                count = self._store.read_into(chunk.key, buffer.data[at : at + size])
            except ObjectMissing:
                self._note_missing(chunk)
            else:
                ranges.append((chunk, at, at + count))
                at += count
        return _Bodies(buffer[:at], ranges)

    def _large_body(self, chunk: Chunk, size: int) -> _Bodies:
        """What there is of a chunk that is said to have so many bytes."""
        body = bytearray(ROOM)
        try:
            for piece in self._store.stream(chunk.key):
                body += piece[: ROOM + size - len(body)]
        except ObjectMissing:
            self._note_missing(chunk)
            return _Bodies(np.zeros(0, np.uint8), [])
        return _Bodies(np.frombuffer(body, np.uint8), [(chunk, ROOM, len(body))])

    def _parse(self, bodies: _Bodies) -> list[Records]:
        """What can be read of each chunk, be it damaged."""
        found = []
        for chunk, begin, end in bodies.ranges:
            size = end - begin
            if size != chunk.size_bytes:
                self._note(chunk, "torn", f"{size} bytes are left of {chunk.size_bytes}")
            elif self._checksum(bodies.buffer.data[begin:end]) != chunk.crc32c:
                self._note(chunk, "corrupt", f"its {size} bytes are not those that were sealed")
            try:
                records = read_dump(bodies.buffer[:end], begin)
            except DumpError as error:
                self._note(chunk, "corrupt", str(error))
                continue
            if not records.intact:
                left = f"{len(records.offset)} of {chunk.packets} records are left"
                self._note(chunk, "torn", left)
            found.append(records)
        return found

    def _note_missing(self, chunk: Chunk) -> None:
        self._note(chunk, "missing", "the manifest lists it, the store does not have it")

    def _note(self, chunk: Chunk, problem: str, detail: str) -> None:
        noted = {"key": chunk.key, "problem": problem, "detail": detail}
        self.missing.setdefault(chunk.key, MissingChunk.model_validate(noted))


def _batches(chunks: Sequence[Chunk], limit: int) -> Iterator[tuple[int, list[Chunk]]]:
    """Chunks that are worked on at once, and the number of the last of them."""
    batch: list[Chunk] = []
    size = packets = 0
    for number, chunk in enumerate(chunks):
        size += chunk.size_bytes
        packets += chunk.packets
        # Sequence numbers go round after 65,536: half of that is the most that says what is ahead.
        if batch and (size > limit or packets > MAX_RECORDS):
            yield number - 1, batch
            batch, size, packets = [], chunk.size_bytes, chunk.packets
        batch.append(chunk)
    if batch:
        yield len(chunks) - 1, batch


def record_headers(records: Records) -> Headers:
    """What the headers of records say."""
    whole = records.buffer.data
    rtcp = [
        bytes(whole[records.offset[i] : records.offset[i] + records.length[i]])
        for i in records.is_rtcp.nonzero()[0].tolist()
    ]
    came_us = records.arrival_us[records.is_rtcp].tolist()
    return Headers(0, read_packets(records)[0], rtcp, came_us)


def _trailer_headers(told: Trailer) -> Headers:
    """What a trailer says of the headers: packets without a byte."""
    nothing = np.zeros(0, np.uint8)
    columns = told.length * 0, told.length, told.arrival_us, told.is_rtcp
    packets, _ = read_packets(Records(nothing, *columns, told.headers, True))
    return Headers(0, packets, told.rtcp, told.arrival_us[told.is_rtcp].tolist())


def _joined_headers(number: int, found: Sequence[Headers]) -> Headers:
    """The headers of several chunks as those of one."""
    packets = found[0].packets
    if len(found) > 1:
        # Those that were read whole need no bytes any more: the others have none.
        columns: Any = zip(*(each.packets[1:] for each in found), strict=True)
        packets = Packets(np.zeros(0, np.uint8), *map(np.concatenate, columns))
    rtcp = [compound for each in found for compound in each.rtcp]
    came_us = [time for each in found for time in each.rtcp_arrival_us]
    return Headers(number, packets, rtcp, came_us)
