"""What the verbs need of the world. Adapters fill these; tests fill them with fakes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class ObjectMissing(Exception):
    """There is no object of that key."""


class ObjectExists(Exception):
    """An object of that key is there already, and the write was create-only."""


class ObjectWriter(Protocol):
    """An object being written from front to back, whose first bytes are known last.

    Nothing is visible under the key before `commit`.
    """

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append. The data may be reused by the caller after the call."""

    def commit(self, head: bytes = b"") -> None:
        """Replace the first `len(head)` bytes (at most 5 MiB) and make the object visible."""

    def abort(self) -> None:
        """Leave nothing behind."""


class ObjectStore(Protocol):
    """Objects by key: a bucket, a folder, a dict.

    Raises `recording.errors.Transient` where trying again may help, and `DestinationError` where
    the owner of the store has to act (no such bucket, access denied).
    """

    def get(self, key: str) -> bytes:
        """The whole object. Raises ObjectMissing."""

    def stream(self, key: str) -> Iterator[bytes]:
        """The object in pieces, so that a large one needs little memory. Raises ObjectMissing."""

    def put(self, key: str, body: bytes, *, content_type: str = "application/octet-stream") -> None:
        """Write or overwrite."""

    def create(
        self,
        key: str,
        body: bytes,
        *,
        crc32c: int | None = None,
        content_type: str = "application/octet-stream",
    ) -> None:
        """Write only if the key is free (`If-None-Match: *`). Raises ObjectExists.

        With `crc32c` the store checks the bytes it received against it before it confirms.
        """

    def writer(self, key: str, *, content_type: str) -> ObjectWriter:
        """Start to write an object as a stream."""

    def keys(self, prefix: str) -> Iterator[str]:
        """All keys that begin with the prefix, in lexical order."""

    def url(self, key: str, *, expires_seconds: int) -> str:
        """A link that opens the object for that long."""
