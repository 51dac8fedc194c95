"""One FEC packet at work: what it protects is taken out of its parity until one packet is left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from isotrack.rtp.bit_strings import HEAD
from isotrack.rtp.fec_packets import Level


class _Section:
    """A level's range of bytes of the bit strings, and whose are still in its parity."""

    def __init__(self, begin: int, end: int, missing: set[int]) -> None:
        self.begin, self.end, self.missing = begin, end, missing


class Parity:
    """The exclusive or of the bit strings of packets (RFC 5109 section 9.2).

    Memory is that of the FEC packet: what is taken out is not kept.

    Args:
        recovery: parity over the heads of the bit strings.
        levels: of protection, the first one first.
        sequence_base: sequence number of place 0.
        position: of the FEC packet in the stream, in packets of media.
        arrival_us: of the FEC packet.
    """

    def __init__(
        self,
        recovery: bytes,
        levels: Sequence[Level],
        sequence_base: int,
        position: int,
        arrival_us: int,
    ) -> None:
        self._rest = int.from_bytes(
            b"".join((recovery, *(each.parity for each in levels))), "little"
        )
        self._sections: list[_Section] = []
        begin, end = 0, HEAD
        for level in levels:
            end += len(level.parity)
            missing = {sequence_base + place & 0xFFFF for place in level.places}
            self._sections.append(_Section(begin, end, missing))
            begin = end
        self.position = position
        self.since_us = arrival_us
        """When the FEC packet came."""
        self.arrival_us = arrival_us
        """Of the newest packet that has gone into it."""

    def missing(self) -> Iterator[int]:
        """Sequence numbers of the packets still in it, some more than once."""
        for section in self._sections:
            yield from section.missing

    @property
    def is_spent(self) -> bool:
        """Whether nothing can come of it any more."""
        return not self._sections[0].missing

    def take_out(self, sequence_number: int, bits: bytes, arrival_us: int) -> None:
        """Take a packet out, given its bit string."""
        for section in self._sections:
            if sequence_number in section.missing:
                section.missing.remove(sequence_number)
                part = int.from_bytes(bits[section.begin : section.end], "little")
                self._rest ^= part << 8 * section.begin
                self.arrival_us = max(self.arrival_us, arrival_us)

    def solve(self) -> tuple[int, bytes] | None:
        """Sequence number and bit string (with zeros behind it) of the one packet left in it.

        None while there is more than one: in the first level, which every packet needs, or in a
        further one which this packet is long enough to need. It is told once.
        """
        first, *further = self._sections
        if len(first.missing) != 1:
            return None
        (sequence_number,) = first.missing
        bits = self._rest.to_bytes(self._sections[-1].end, "little")
        end = HEAD + int.from_bytes(bits[HEAD - 2 : HEAD], "big")
        covered = first.end
        for section in further:
            if covered >= end:
                break
            if section.missing != first.missing:
                return None
            covered = section.end
        first.missing.clear()
        return sequence_number, bits[:covered]
