"""A store that remembers what was read from it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from isotrack.pipeline.ports import ObjectStore, ObjectWriter


class CachingStore:
    """An ObjectStore that keeps whole objects in memory for a second `get`, up to a limit.

    Made for readers that go through the same objects twice in the same order, as the remux does
    with chunks. Nothing is ever evicted: what came first stays, so that with objects larger than
    the limit the second pass still hits the first part of them. Throwing out the oldest or the
    least recently used would throw out each object just before it is asked for again.

    Objects are taken to be immutable; those written through this store are not kept.
    """

    def __init__(self, store: ObjectStore, limit_bytes: int) -> None:
        self._store = store
        self._free = limit_bytes
        self._kept: dict[str, bytes] = {}
        self._written: set[str] = set()
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes:
        """The whole object, from memory when it is there. Raises ObjectMissing."""
        body = self._kept.get(key)
        if body is None:
            body = self._store.get(key)
            self._keep(key, body)
        return body

    def stream(self, key: str) -> Iterator[bytes]:
        """The object in pieces, past the cache. Raises ObjectMissing."""
        return self._store.stream(key)

    def put(self, key: str, body: bytes, *, content_type: str = "application/octet-stream") -> None:
        """Write or overwrite."""
        self._forget(key)
        self._store.put(key, body, content_type=content_type)

    def create(
        self,
        key: str,
        body: bytes,
        *,
        crc32c: int | None = None,
        content_type: str = "application/octet-stream",
    ) -> None:
        """Write only if the key is free. Raises ObjectExists, and Transient at a wrong CRC32C."""
        self._store.create(key, body, crc32c=crc32c, content_type=content_type)

    def writer(self, key: str, *, content_type: str) -> ObjectWriter:
        """Start to write an object as a stream."""
        self._forget(key)
        return self._store.writer(key, content_type=content_type)

    def keys(self, prefix: str) -> Iterator[str]:
        """All keys that begin with the prefix, in lexical order."""
        return self._store.keys(prefix)

    def url(self, key: str, *, expires_seconds: int) -> str:
        """A link that opens the object for that long."""
        return self._store.url(key, expires_seconds=expires_seconds)

    def _keep(self, key: str, body: bytes) -> None:
        with self._lock:
            new = key not in self._kept and key not in self._written
            if new and len(body) <= self._free:
                self._kept[key] = body
                self._free -= len(body)

    def _forget(self, key: str) -> None:
        with self._lock:
            self._written.add(key)
            self._free += len(self._kept.pop(key, b""))
