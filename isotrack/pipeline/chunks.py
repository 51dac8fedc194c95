"""The chunks of a captured track, read ahead and checked against the manifest."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

from isotrack.pipeline.ports import ObjectMissing, ObjectStore
from isotrack.recording.manifest import Chunk
from isotrack.recording.sidecar import MissingChunk
from isotrack.rtp.dump import DumpError, Records, read_dump

READ_AHEAD = 4
"""Chunks under way while one is worked on: hides the latency of S3, holds 16 MiB at most."""


class ChunkReader:
    """Reads the chunks of one track in order; what cannot be used is noted and passed over.

    Args:
        store: where the chunks are.
        checksum: CRC-32C of a chunk's bytes.
    """

    def __init__(self, store: ObjectStore, checksum: Callable[[bytes], int]) -> None:
        self._store = store
        self._checksum = checksum
        self._sound: set[str] = set()  # checked once is enough, in the first of two readings
        self.missing: dict[str, MissingChunk] = {}
        """By key: chunks that are not there, damaged or torn."""

    def read(self, chunks: Sequence[Chunk]) -> Iterator[Records]:
        """The records of each chunk, oldest first.

        Raises:
            Transient: the store could not answer; nothing is known to be missing then.
        """
        with ThreadPoolExecutor(READ_AHEAD, thread_name_prefix="chunks") as pool:
            left = iter(chunks)
            under_way: deque[tuple[Chunk, Future[bytes]]] = deque(
                (chunk, pool.submit(self._store.get, chunk.key))
                for chunk in islice(left, READ_AHEAD)
            )
            while under_way:
                chunk, future = under_way.popleft()
                body = self._result(chunk, future)
                for following in islice(left, 1):
                    under_way.append((following, pool.submit(self._store.get, following.key)))
                records = None if body is None else self._parse(chunk, body)
                if records is not None:
                    yield records

    def _result(self, chunk: Chunk, future: Future[bytes]) -> bytes | None:
        try:
            return future.result()
        except ObjectMissing:
            self._note(chunk, "missing", "the manifest lists it, the store does not have it")
            return None

    def _parse(self, chunk: Chunk, body: bytes) -> Records | None:
        """What can be read of a chunk, be it damaged."""
        if len(body) != chunk.size_bytes:
            self._note(chunk, "torn", f"{len(body)} bytes are left of {chunk.size_bytes}")
        elif chunk.key not in self._sound and self._checksum(body) != chunk.crc32c:
            self._note(chunk, "corrupt", f"its {len(body)} bytes are not those that were sealed")
        else:
            self._sound.add(chunk.key)
        try:
            records = read_dump(body)
        except DumpError as error:
            self._note(chunk, "corrupt", str(error))
            return None
        if not records.intact:
            self._note(chunk, "torn", f"{len(records.offset)} of {chunk.packets} records are left")
        return records

    def _note(self, chunk: Chunk, problem: str, detail: str) -> None:
        noted = {"key": chunk.key, "problem": problem, "detail": detail}
        self.missing.setdefault(chunk.key, MissingChunk.model_validate(noted))
