"""One track's packets written as chunks, each as long as those of the capture agent."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from isotrack.pipeline.ports import ObjectStore
from isotrack.recording import keys
from isotrack.recording.manifest import Chunk
from isotrack.rtp.dump import MAX_PACKET, MAX_RECORDS, write_dump

MAX_CHUNK_BYTES = 4 << 20
CHUNK_US = {"video": 10_000_000, "audio": 30_000_000}
_RECORD_HEADER = 8


class TrackSealer:
    """Gathers the packets of one track and seals a chunk when it is full.

    Args:
        session: the key prefix of the participant session.
        track_id: of the track.
        kind: `audio` or `video`.
        store: takes the chunks.
        checksum: CRC-32C of bytes.
    """

    def __init__(
        self,
        session: str,
        track_id: str,
        kind: str,
        store: ObjectStore,
        checksum: Callable[[bytes], int],
    ) -> None:
        self._session, self._track_id = session, track_id
        self._longest_us = CHUNK_US[kind]
        self._store = store
        self._checksum = checksum
        self._pieces: list[bytes] = []
        self._rows: list[NDArray[np.int64]] = []  # [3, n] length, arrival, is_rtcp
        self._size = self._count = self._start_us = 0
        self.chunks: list[Chunk] = []
        """Those sealed so far."""

    def push(
        self,
        buffer: NDArray[np.uint8],
        offset: NDArray[np.int64],
        length: NDArray[np.int64],
        arrival_us: NDArray[np.int64],
        is_rtcp: NDArray[np.bool_],
    ) -> None:
        """Take packets in, in the order they came; they are copied."""
        fits = length <= MAX_PACKET
        rows = np.stack([length, arrival_us, is_rtcp.astype(np.int64)])[:, fits]
        offset = offset[fits]
        while offset.size:
            if not self._count:
                self._start_us = int(rows[1, 0])
            end = self._room(rows)
            if end:
                self._append(buffer, offset[:end], rows[:, :end])
            if end < offset.size:
                self.seal()
            offset, rows = offset[end:], rows[:, end:]

    def seal(self) -> None:
        """Write what was gathered as a chunk, if there is anything."""
        if not self._count:
            return
        length, arrival_us, is_rtcp = np.concatenate(self._rows, axis=1)
        offset = np.cumsum(length) - length
        dump = write_dump(b"".join(self._pieces), offset, length, arrival_us, is_rtcp != 0)
        body = bytes(dump)
        key = keys.chunk(self._session, self._track_id, len(self.chunks))
        crc32c = self._checksum(body)
        self._store.put(key, body)
        self.chunks.append(
            Chunk(
                key=key,
                size_bytes=len(body),
                crc32c=crc32c,
                packets=self._count,
                first_arrival_us=int(arrival_us.min()),
                last_arrival_us=int(arrival_us.max()),
            )
        )
        self._pieces, self._rows = [], []
        self._size = self._count = 0

    def _room(self, rows: NDArray[np.int64]) -> int:
        """How many of the packets this chunk still has room for."""
        sizes = np.cumsum(rows[0] + _RECORD_HEADER)
        by_size = int(np.searchsorted(sizes, MAX_CHUNK_BYTES - self._size, side="right"))
        far = np.abs(rows[1] - self._start_us) >= self._longest_us
        by_time = int(far.argmax()) if far.any() else far.size
        return min(by_size, by_time, MAX_RECORDS - self._count)

    def _append(
        self, buffer: NDArray[np.uint8], offset: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> None:
        ends = offset + rows[0]
        view = memoryview(buffer)  # type: ignore[arg-type]  # arrays are buffers
        pairs = zip(offset.tolist(), ends.tolist(), strict=True)
        self._pieces.append(b"".join([view[begin:end] for begin, end in pairs]))
        self._rows.append(rows)
        self._size += int(rows[0].sum()) + _RECORD_HEADER * offset.size
        self._count += offset.size
