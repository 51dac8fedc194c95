"""Reading bit by bit, the most significant bit first."""

from __future__ import annotations


class Bits:
    """Reads numbers of some bits from bytes.

    Args:
        data: the bytes.
        name: what they are, for the error that tells of their end.
    """

    def __init__(self, data: bytes | memoryview, name: str) -> None:
        self._name = name
        self._bytes = bytes(data)
        self._at = 0

    def take(self, count: int) -> int:
        """An unsigned number of so many bits, f(n). Raises ValueError behind the end."""
        end = self._at + count
        if end > 8 * len(self._bytes):
            raise ValueError(f"{self._name} is truncated after {len(self._bytes)} bytes")
        window = int.from_bytes(self._bytes[self._at >> 3 : (end + 7) >> 3], "big")
        self._at = end
        return window >> (-end & 7) & (1 << count) - 1

    def flag(self) -> bool:
        """One bit."""
        return self.take(1) == 1

    def below(self, limit: int) -> int:
        """A number under `limit` in as few bits as that allows, ns(n) (AV1 section 4.10.7)."""
        width = limit.bit_length()
        spare = (1 << width) - limit
        value = self.take(width - 1)
        return value if value < spare else (value << 1) - spare + self.take(1)
