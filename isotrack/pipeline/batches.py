"""Chunks that are worked on at once: small ones together, and the next ones fetched ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple, TypeVar

from isotrack.recording.manifest import Chunk
from isotrack.rtp.dump import MAX_RECORDS

OUTLINED = 4
"""Batches of which only headers are read are put together up to so many times the bytes."""

MAX_OUTLINED = 2 * MAX_RECORDS
"""And up to so many packets: sequence numbers go round after 65,536, and half of that is the most
that says what is ahead."""

T = TypeVar("T")
W = TypeVar("W")


class Batch(NamedTuple):
    """Chunks of a track, one after the other."""

    number: int
    """Of the last of them in its track, from 0."""
    chunks: list[Chunk]

    @property
    def size(self) -> int:
        """Bytes, as the manifest says."""
        return sum(chunk.size_bytes for chunk in self.chunks)

    @property
    def packets(self) -> int:
        """Packets, as the manifest says."""
        return sum(chunk.packets for chunk in self.chunks)


def batches(chunks: Sequence[Chunk], limit: int) -> Iterator[Batch]:
    """Chunks in batches of at most so many bytes, or one; none is of more than `MAX_RECORDS`."""
    batch: list[Chunk] = []
    size = packets = 0
    for number, chunk in enumerate(chunks):
        size += chunk.size_bytes
        packets += chunk.packets
        if batch and (size > limit or packets > MAX_RECORDS):
            yield Batch(number - 1, batch)
            batch, size, packets = [], chunk.size_bytes, chunk.packets
        batch.append(chunk)
    if batch:
        yield Batch(len(chunks) - 1, batch)


def groups(batched: Iterable[Batch], limit: int) -> Iterator[list[Batch]]:
    """The batches whose headers are read at once, where a batch is of `limit` bytes."""
    group: list[Batch] = []
    size = packets = 0
    for batch in batched:
        size += batch.size
        packets += batch.packets
        if group and (size > OUTLINED * limit or packets > MAX_OUTLINED):
            yield group
            group, size, packets = [], batch.size, batch.packets
        group.append(batch)
    if group:
        yield group


def fetched(wanted: Iterable[W], fetch: Callable[[W], T], read_ahead: int) -> Iterator[tuple[W, T]]:
    """What is wanted and what is fetched for it, in that order.

    Args:
        wanted: of any kind.
        fetch: fetches it, in a thread of its own where there are any.
        read_ahead: how many are under way at once while one is worked on; 0: none.
    """
    if not read_ahead:
        for each in wanted:
            yield each, fetch(each)
        return
    with ThreadPoolExecutor(read_ahead, thread_name_prefix="chunks") as pool:
        left = iter(wanted)
        under_way: deque[tuple[W, Future[T]]] = deque(
            (each, pool.submit(fetch, each)) for each in islice(left, read_ahead)
        )
        while under_way:
            each, future = under_way.popleft()
            result = future.result()
            for following in islice(left, 1):
                under_way.append((following, pool.submit(fetch, following)))
            yield each, result
