"""FEC packets as columns, whatever format they came in (ULPFEC, FlexFEC)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.rtp.packet import Packets


class Level(NamedTuple):
    """One level of protection (RFC 5109 section 3): parity over a range of bytes."""

    places: tuple[int, ...]
    """Of the packets protected: sequence numbers, counted from the sequence base."""
    parity: bytes
    """Over the bytes behind those of the levels before."""


class FecPackets(NamedTuple):
    """FEC packets as columns: row i of every column belongs to FEC packet i."""

    row: NDArray[np.int64]
    """Of the FEC packet among the packets it came with."""
    ssrc: NDArray[np.uint32]
    """Of the media it protects."""
    recovery: NDArray[np.uint8]
    """[n, 8] parity over the heads of the bit strings, in their form (`bit_strings`)."""
    sequence_base: NDArray[np.uint16]
    mask: NDArray[np.bool_]
    """[n, places] whether the packet that far behind the sequence base is protected."""
    parity_offset: NDArray[np.int64]
    """Where the parity of the first level begins in the buffer of the packets."""
    parity_length: NDArray[np.int64]
    further: dict[int, tuple[Level, ...]]
    """The levels behind the first, by row; few senders use them."""

    def take(self, selection: NDArray[np.bool_]) -> FecPackets:
        """The FEC packets a mask selects."""
        pairs: Any = zip(self._fields[:-1], self[:-1], strict=True)
        return self._replace(**{name: column[selection] for name, column in pairs})


class FecReading(NamedTuple):
    """FEC packets, and how many more could not be used."""

    fec: FecPackets
    malformed: int
    unsupported: int
    """Sound, but of a kind that no sender of WebRTC makes."""


def leading_bytes(packets: Packets, rows: NDArray[np.int64], width: int) -> NDArray[np.uint8]:
    """[rows, width] the first bytes of payloads; zeros behind the end of those that are shorter."""
    whole = packets.buffer.data
    begin = packets.payload_offset[rows]
    end = begin + np.minimum(packets.payload_length[rows], width)
    heads = [
        bytes(whole[a:z]).ljust(width, b"\0")
        for a, z in zip(begin.tolist(), end.tolist(), strict=True)
    ]
    return np.frombuffer(b"".join(heads), np.uint8).reshape(-1, width)
