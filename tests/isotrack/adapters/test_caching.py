"""The second pass reads from memory what fits there."""

from __future__ import annotations

import pytest

from isotrack.adapters.caching import CachingStore
from isotrack.adapters.memory import MemoryStore
from isotrack.pipeline.ports import ObjectMissing


class CountingStore(MemoryStore):
    """Remembers which objects were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[str] = []

    def get(self, key: str) -> bytes:
        self.got.append(key)
        return super().get(key)


@pytest.fixture
def chunks() -> CountingStore:
    store = CountingStore()
    for number in range(5):
        store.put(f"{number}", bytes([number]) * 100)
    return store


def test_a_second_pass_in_the_same_order_hits_what_came_first(chunks: CountingStore) -> None:
    cache = CachingStore(chunks, limit_bytes=350)
    for _ in range(3):
        assert [cache.get(f"{number}")[0] for number in range(5)] == [0, 1, 2, 3, 4]
    assert chunks.got == ["0", "1", "2", "3", "4", "3", "4", "3", "4"]


def test_a_limit_of_nothing_keeps_nothing(chunks: CountingStore) -> None:
    cache = CachingStore(chunks, limit_bytes=0)
    assert cache.get("1") == cache.get("1")
    assert chunks.got == ["1", "1"]


def test_what_is_written_through_it_is_read_anew(chunks: CountingStore) -> None:
    cache = CachingStore(chunks, limit_bytes=1000)
    assert cache.get("0") == bytes(100)
    cache.put("0", b"new")
    assert cache.get("0") == b"new"
    writer = cache.writer("0", content_type="x/y")
    writer.write(b"newer")
    assert cache.get("0") == b"new"
    writer.commit()
    assert cache.get("0") == b"newer"


def test_an_object_written_again_makes_room(chunks: CountingStore) -> None:
    cache = CachingStore(chunks, limit_bytes=100)
    cache.get("0")
    cache.put("0", b"")
    cache.get("1")
    cache.get("1")
    assert chunks.got == ["0", "1"]


def test_what_was_missing_may_come_later(chunks: CountingStore) -> None:
    cache = CachingStore(chunks, limit_bytes=1000)
    with pytest.raises(ObjectMissing):
        cache.get("later")
    cache.create("later", b"here")
    assert cache.get("later") == b"here"
    assert list(cache.keys("l")) == ["later"]
    assert b"".join(cache.stream("later")) == b"here"
    assert cache.url("later", expires_seconds=1) == chunks.url("later", expires_seconds=1)
