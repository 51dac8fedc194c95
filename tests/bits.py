"""Writing bit by bit, for tests of what is read bit by bit."""

from __future__ import annotations


class BitWriter:
    """Numbers of some bits, one after the other, the most significant bit first."""

    def __init__(self) -> None:
        self.bits = ""

    def put(self, value: int, width: int = 1) -> BitWriter:
        """Add a number of so many bits."""
        assert 0 <= value < 1 << width
        self.bits += f"{value:0{width}b}" if width else ""
        return self

    def below(self, value: int, limit: int) -> BitWriter:
        """Add a number under `limit` as ns(n) (AV1 section 4.10.7)."""
        width = limit.bit_length()
        spare = (1 << width) - limit
        if value < spare:
            return self.put(value, width - 1)
        return self.put(value + spare >> 1, width - 1).put(value + spare & 1)

    def to_bytes(self) -> bytes:
        """All of them, zeros up to the end of the last byte."""
        padded = self.bits + "0" * (-len(self.bits) % 8)
        return bytes(int(padded[at : at + 8], 2) for at in range(0, len(padded), 8))
