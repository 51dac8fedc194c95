"""Objects in a dict: the store of tests, and of what is not worth keeping."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from urllib.parse import quote

from isotrack.adapters.checksums import verify_crc32c
from isotrack.adapters.heads import check_head
from isotrack.media.scattered import Scattered
from isotrack.pipeline.ports import ObjectExists, ObjectMissing


class MemoryStore:
    """An ObjectStore whose objects can be looked at: `objects` and `content_types`, by key."""

    read_ahead = 0

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.content_types: dict[str, str] = {}
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes:
        """The whole object. Raises ObjectMissing."""
        try:
            return self.objects[key]
        except KeyError:
            raise ObjectMissing(f"memory: no object {key!r}") from None

    def read_into(self, key: str, buffer: memoryview) -> int:
        """Read the object, or as much as there is room for. Raises ObjectMissing."""
        body = self.get(key)[: len(buffer)]
        buffer[: len(body)] = body
        return len(body)

    def tail_into(self, key: str, buffer: memoryview) -> int:
        """Read the last bytes of the object, or all when there is room. Raises ObjectMissing."""
        body = self.get(key)
        end = body[max(len(body) - len(buffer), 0) :]
        buffer[: len(end)] = end
        return len(end)

    def stream(self, key: str) -> Iterator[bytes]:
        """The object in one piece. Raises ObjectMissing."""
        yield self.get(key)

    def put(self, key: str, body: bytes, *, content_type: str = "application/octet-stream") -> None:
        """Write or overwrite."""
        with self._lock:
            self.objects[key] = bytes(body)
            self.content_types[key] = content_type

    def create(
        self,
        key: str,
        body: bytes,
        *,
        crc32c: int | None = None,
        content_type: str = "application/octet-stream",
    ) -> None:
        """Write only if the key is free. Raises ObjectExists, and Transient at a wrong CRC32C."""
        verify_crc32c(f"memory: {key!r}", body, crc32c)
        with self._lock:
            if key in self.objects:
                raise ObjectExists(f"memory: object {key!r} is there already")
            self.objects[key] = bytes(body)
            self.content_types[key] = content_type

    def writer(self, key: str, *, content_type: str) -> MemoryWriter:
        """Start to write an object as a stream."""
        return MemoryWriter(self, key, content_type)

    def delete(self, key: str) -> None:
        """Remove the object, if there is one."""
        with self._lock:
            self.objects.pop(key, None)
            self.content_types.pop(key, None)

    def keys(self, prefix: str) -> Iterator[str]:
        """All keys that begin with the prefix, in lexical order."""
        return iter(sorted(key for key in list(self.objects) if key.startswith(prefix)))

    def url(self, key: str, *, expires_seconds: int) -> str:  # noqa: ARG002
        """A name for the object; there is no way in from outside."""
        return f"memory:///{quote(key)}"


class MemoryWriter:
    """An ObjectWriter into a MemoryStore."""

    def __init__(self, store: MemoryStore, key: str, content_type: str) -> None:
        self._store, self._key, self._content_type = store, key, content_type
        self._body = bytearray()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append."""
        self._body += data

    def write_scattered(self, data: Scattered) -> None:
        """Append bytes from where they lie."""
        self.write(data.joined())

    def commit(self, head: bytes = b"") -> None:
        """Replace the first bytes and make the object visible."""
        check_head(self._key, head, len(self._body))
        self._body[: len(head)] = head
        self._store.put(self._key, bytes(self._body), content_type=self._content_type)

    def abort(self) -> None:
        """Forget what was written."""
        self._body.clear()
