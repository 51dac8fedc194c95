"""A store seen under a prefix: a folder of chunks that was taken out of its bucket."""

from __future__ import annotations

from collections.abc import Iterator

from isotrack.pipeline.ports import ObjectMissing, ObjectStore, ObjectWriter
from isotrack.recording.errors import Invalid


class MountedStore:
    """Answers for keys that begin with a prefix with what `store` has without it.

    Args:
        store: holds the objects.
        prefix: what keys begin with here and not there.
    """

    def __init__(self, store: ObjectStore, prefix: str) -> None:
        self._store = store
        self._prefix = prefix

    def get(self, key: str) -> bytes:
        """The whole object."""
        return self._store.get(self._existing(key))

    @property
    def read_ahead(self) -> int:
        """How many reads are worth having under way."""
        return self._store.read_ahead

    def read_into(self, key: str, buffer: memoryview) -> int:
        """Read the object, or as much as there is room for."""
        return self._store.read_into(self._existing(key), buffer)

    def tail_into(self, key: str, buffer: memoryview) -> int:
        """Read the last bytes of the object, or all of it when there is room."""
        return self._store.tail_into(self._existing(key), buffer)

    def stream(self, key: str) -> Iterator[bytes]:
        """The object in pieces."""
        return self._store.stream(self._existing(key))

    def put(self, key: str, body: bytes, *, content_type: str = "application/octet-stream") -> None:
        """Write or overwrite."""
        self._store.put(self._there(key), body, content_type=content_type)

    def create(
        self,
        key: str,
        body: bytes,
        *,
        crc32c: int | None = None,
        content_type: str = "application/octet-stream",
    ) -> None:
        """Write only if the key is free."""
        self._store.create(self._there(key), body, crc32c=crc32c, content_type=content_type)

    def writer(self, key: str, *, content_type: str) -> ObjectWriter:
        """Start to write an object as a stream."""
        return self._store.writer(self._there(key), content_type=content_type)

    def delete(self, key: str) -> None:
        """Remove the object, if there is one."""
        self._store.delete(self._there(key))

    def keys(self, prefix: str) -> Iterator[str]:
        """All keys that begin with the prefix."""
        if self._prefix.startswith(prefix):
            there = ""
        elif prefix.startswith(self._prefix):
            there = prefix.removeprefix(self._prefix)
        else:
            return
        for key in self._store.keys(there):
            yield self._prefix + key

    def url(self, key: str, *, expires_seconds: int) -> str:
        """A link that opens the object."""
        return self._store.url(self._there(key), expires_seconds=expires_seconds)

    def _existing(self, key: str) -> str:
        """Where an object is that is read; those that cannot be here are missing."""
        if not key.startswith(self._prefix):
            raise ObjectMissing(f"{key!r} is not under {self._prefix!r}")
        return self._there(key)

    def _there(self, key: str) -> str:
        if not key.startswith(self._prefix):
            raise Invalid(f"{key!r} is not under {self._prefix!r}")
        return key.removeprefix(self._prefix)
