from __future__ import annotations

import pytest

from isotrack.adapters.memory import MemoryStore
from isotrack.adapters.mounted import MountedStore
from isotrack.pipeline.ports import ObjectMissing
from isotrack.recording.errors import Invalid


@pytest.fixture
def inner() -> MemoryStore:
    store = MemoryStore()
    store.put("a/1", b"one")
    store.put("b", b"two")
    return store


def test_keys_are_answered_for_under_the_prefix(inner: MemoryStore) -> None:
    store = MountedStore(inner, "raw/x/")

    assert store.get("raw/x/a/1") == b"one"
    assert b"".join(store.stream("raw/x/b")) == b"two"
    buffer = bytearray(2)
    assert store.tail_into("raw/x/b", memoryview(buffer)) == 2
    assert buffer == b"wo"
    buffer = bytearray(5)
    assert store.read_into("raw/x/b", memoryview(buffer)) == 3
    assert buffer == b"two\0\0"


def test_it_is_as_fit_to_read_ahead_as_what_it_shows(inner: MemoryStore) -> None:
    inner.read_ahead = 7

    assert MountedStore(inner, "raw/x/").read_ahead == 7


@pytest.mark.parametrize("key", ["a/1", "raw/y/a/1", "raw/x", ""])
def test_what_is_not_under_the_prefix_is_missing(inner: MemoryStore, key: str) -> None:
    store = MountedStore(inner, "raw/x/")

    with pytest.raises(ObjectMissing, match="not under"):
        store.get(key)
    with pytest.raises(ObjectMissing, match="not under"):
        list(store.stream(key))
    with pytest.raises(ObjectMissing, match="not under"):
        store.tail_into(key, memoryview(bytearray(1)))
    with pytest.raises(ObjectMissing, match="not under"):
        store.read_into(key, memoryview(bytearray(1)))


def test_an_object_is_deleted_under_the_prefix_only(inner: MemoryStore) -> None:
    store = MountedStore(inner, "raw/x/")

    store.delete("raw/x/a/1")
    with pytest.raises(Invalid):
        store.delete("b")

    assert sorted(inner.objects) == ["b"]


def test_nothing_is_written_outside_of_the_prefix(inner: MemoryStore) -> None:
    store = MountedStore(inner, "raw/x/")

    with pytest.raises(Invalid):
        store.put("elsewhere", b"")
    with pytest.raises(Invalid):
        store.create("elsewhere", b"")
    with pytest.raises(Invalid):
        store.writer("elsewhere", content_type="x/y")
    assert sorted(inner.objects) == ["a/1", "b"]


def test_what_is_written_under_the_prefix_is_there_without_it(inner: MemoryStore) -> None:
    store = MountedStore(inner, "raw/x/")

    store.put("raw/x/c", b"three", content_type="text/plain")
    store.create("raw/x/d", b"four")
    writer = store.writer("raw/x/e", content_type="x/y")
    writer.write(b"....")
    writer.commit(b"five")

    assert inner.objects["c"] == b"three"
    assert inner.content_types["c"] == "text/plain"
    assert inner.objects["d"] == b"four"
    assert inner.objects["e"] == b"five"
    assert store.url("raw/x/e", expires_seconds=1) == inner.url("e", expires_seconds=1)


@pytest.mark.parametrize(
    ("prefix", "keys"),
    [
        ("raw/x/", ["raw/x/a/1", "raw/x/b"]),
        ("raw/x/a", ["raw/x/a/1"]),
        ("raw/", ["raw/x/a/1", "raw/x/b"]),
        ("", ["raw/x/a/1", "raw/x/b"]),
        ("a", []),
        ("other/", []),
    ],
)
def test_keys_are_listed_as_they_are_answered_for(
    inner: MemoryStore, prefix: str, keys: list[str]
) -> None:
    assert list(MountedStore(inner, "raw/x/").keys(prefix)) == keys
