"""RTP packets (RFC 3550 section 5.1): the sound ones of a dump, as columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.rtp.records import Records


class Packets(NamedTuple):
    """RTP packets as columns over one buffer: row i of every column belongs to packet i."""

    buffer: NDArray[np.uint8]
    """The bytes all offsets point into."""
    sequence_number: NDArray[np.uint16]
    timestamp: NDArray[np.uint32]
    marker: NDArray[np.bool_]
    payload_type: NDArray[np.uint8]
    ssrc: NDArray[np.uint32]
    arrival_us: NDArray[np.int64]
    """Unix time in microseconds."""
    packet_offset: NDArray[np.int64]
    """Where the RTP header begins."""
    payload_offset: NDArray[np.int64]
    """Where the payload begins: CSRCs and header extensions are behind us."""
    payload_length: NDArray[np.int64]
    """Bytes of payload, padding cut; 0 for a packet of padding alone."""
    restored: NDArray[np.bool_]
    """Did not arrive as it is: sent again (RTX), a redundant copy (RED) or computed (FEC). When it
    came says nothing about the sender's clock, and what came itself goes before it."""

    @property
    def count(self) -> int:  # type: ignore[override]  # not tuple.count: these are columns
        """How many packets these are; `len` is the number of columns."""
        return self.sequence_number.size

    def take(self, selection: NDArray[np.bool_] | NDArray[np.integer] | slice) -> Packets:
        """The packets a mask, an array of indexes or a slice selects, over the same buffer."""
        if isinstance(selection, np.ndarray) and selection.dtype == np.bool_:
            selection = selection.nonzero()[0]  # once, and not for every column
        columns: list[NDArray[Any]] = [column[selection] for column in self[1:]]
        return Packets(self.buffer, *columns)


def read_packets(records: Records) -> tuple[Packets, int]:
    """The RTP packets among the records, and how many more were malformed and dropped."""
    sound = records.headers.payload_offset > 0
    columns: Sequence[NDArray[Any]] = (*records.headers, records.arrival_us, records.offset)
    malformed = sound.size - int(np.count_nonzero(sound))
    if malformed:
        malformed -= int(np.count_nonzero(records.is_rtcp))
        rows = sound.nonzero()[0]
        columns = [column[rows] for column in columns]
    sequence_number, timestamp, ssrc, second, head, length, arrival_us, offset = columns
    packets = Packets(
        records.buffer,
        sequence_number,
        timestamp,
        second > 127,
        second & np.uint8(127),
        ssrc,
        arrival_us,
        offset,
        offset + head,
        length.astype(np.int64),
        np.zeros(length.size, np.bool_),
    )
    return packets, malformed
