"""Decisions read from bytes, so that whatever mutates the bytes steers what is tested."""

from __future__ import annotations


class Choices:
    """Reads bytes as decisions; zeros once they have run out."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def is_over(self) -> bool:
        """Everything was read."""
        return self._at >= len(self._data)

    def take(self, size: int) -> bytes:
        """The next bytes, fewer at the end."""
        taken = self._data[self._at : self._at + size]
        self._at += size
        return taken

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(max(len(self._data) - self._at, 0))

    def number(self, size: int) -> int:
        """An unsigned number of so many bytes."""
        return int.from_bytes(self.take(size).ljust(size, b"\0"), "big")

    def signed(self, size: int) -> int:
        """A number of so many bytes in two's complement."""
        return int.from_bytes(self.take(size).ljust(size, b"\0"), "big", signed=True)

    def below(self, limit: int) -> int:
        """A number from 0 up to, not including, the limit."""
        return self.number(3) % limit
