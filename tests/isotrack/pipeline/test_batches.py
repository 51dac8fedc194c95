from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from isotrack.pipeline.batches import MAX_OUTLINED, OUTLINED, batches, fetched, groups
from isotrack.recording.manifest import Chunk
from isotrack.rtp.dump import MAX_RECORDS

LIMIT = 1000

some_chunks = st.lists(
    st.tuples(st.integers(0, 2 * LIMIT), st.integers(0, 2 * MAX_RECORDS)), max_size=40
)


def chunks_of(sizes: Sequence[tuple[int, int]]) -> list[Chunk]:
    """Chunks of so many bytes and packets."""
    return [
        Chunk(
            key=str(number),
            size_bytes=size,
            crc32c=0,
            packets=packets,
            first_arrival_us=0,
            last_arrival_us=0,
        )
        for number, (size, packets) in enumerate(sizes)
    ]


@given(some_chunks)
def test_all_chunks_are_in_batches_that_are_as_large_as_may_be(
    sizes: list[tuple[int, int]],
) -> None:
    chunks = chunks_of(sizes)

    found = list(batches(chunks, LIMIT))

    assert [chunk for batch in found for chunk in batch.chunks] == chunks
    for batch in found:
        assert chunks[batch.number] is batch.chunks[-1]
        assert len(batch.chunks) == 1 or fits(batch.size, batch.packets)
    for batch, following in pairwise(found):
        further = following.chunks[0]
        assert not fits(batch.size + further.size_bytes, batch.packets + further.packets)


def fits(size: int, packets: int) -> bool:
    return size <= LIMIT and packets <= MAX_RECORDS


@given(some_chunks)
def test_batches_are_outlined_together_as_they_are(sizes: list[tuple[int, int]]) -> None:
    found = list(batches(chunks_of(sizes), LIMIT))

    together = list(groups(found, LIMIT))

    assert [batch for group in together for batch in group] == found
    for group in together:
        assert len(group) == 1 or sum(batch.packets for batch in group) <= MAX_OUTLINED
        assert len(group) == 1 or sum(batch.size for batch in group) <= OUTLINED * LIMIT


def test_small_chunks_are_outlined_by_the_thousand() -> None:
    chunks = chunks_of([(1, MAX_RECORDS // 100)] * 1000)

    assert [len(group) for group in groups(batches(chunks, LIMIT), LIMIT)] == [2, 2, 2, 2, 2]


def test_what_is_fetched_comes_in_order_whether_ahead_or_not() -> None:
    for read_ahead in (0, 1, 3, 50):
        found = list(fetched(range(20), lambda number: number * number, read_ahead))
        assert found == [(number, number * number) for number in range(20)]
