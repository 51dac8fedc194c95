"""ULPFEC (RFC 5109): parity in the SSRC and the numbering of the media, alone or inside RED."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isotrack.rtp.fec_packets import FecPackets, FecReading, Level, leading_bytes
from isotrack.rtp.packet import Packets

#  0                   1                   2                   3
#  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
# +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
# |E|L|P|X|  CC   |M| PT recovery |            SN base            |
# |                          TS recovery                          |
# |        length recovery        |  then, for each level:        |
# |       Protection Length       |             mask              |
# |              mask cont. (present only when L = 1)             |
# |  parity, so many bytes as the protection length says          |
_FEC_HEADER = 10
_SHORT, _LONG = _FEC_HEADER + 4, _FEC_HEADER + 8

MAX_LEVELS = 8
"""More levels than anyone makes; a packet of empty levels is not worth its reading."""


def is_likely(first_bytes: bytes, sequence_number: int) -> bool:
    """Whether a payload may be a FEC packet: its E bit is 0, and it protects those just before it.

    Args:
        first_bytes: of the payload.
        sequence_number: of its packet.
    """
    if len(first_bytes) < _SHORT or first_bytes[0] & 0x80:
        return False
    base = int.from_bytes(first_bytes[2:4], "big")
    return 0 < (sequence_number - base & 0xFFFF) <= 64


def read(packets: Packets, rows: NDArray[np.int64]) -> FecReading:
    """Read the ULPFEC packets in these rows."""
    head = leading_bytes(packets, rows, _LONG)
    is_long = head[:, 0] & 0x40 > 0
    header = np.where(is_long, _LONG, _SHORT)
    protected = head[:, 10:12].view(">u2")[:, 0].astype(np.int64)
    rest = packets.payload_length[rows] - header - protected
    mask = np.unpackbits(head[:, 12:18], axis=1).astype(np.bool_)
    mask[~is_long, 16:] = False
    extension = head[:, 0] & 0x80 > 0  # the E bit is reserved for what is unlike this
    sound = ~extension & (rest >= 0) & mask.any(axis=1)
    further: dict[int, tuple[Level, ...]] = {}
    parity = packets.payload_offset[rows] + header
    for i in np.flatnonzero(sound & (rest > 0)).tolist():
        begin = int(parity[i] + protected[i])
        levels = _read_levels(packets.buffer[begin : begin + rest[i]].tobytes(), bool(is_long[i]))
        sound[i] = levels is not None
        further[int(rows[i])] = levels or ()
    fec = FecPackets(
        rows,
        packets.ssrc[rows],
        np.concatenate((head[:, :1] & 0x3F, head[:, 1:2], head[:, 4:10]), axis=1),
        head[:, 2:4].view(">u2")[:, 0].astype(np.uint16),
        mask if is_long.any() else mask[:, :16],
        parity,
        protected,
        further,
    )
    return FecReading(fec.take(sound), int(sound.size - np.count_nonzero(sound)), 0)


def _read_levels(rest: bytes, is_long: bool) -> tuple[Level, ...] | None:
    """The levels behind the first; None if they do not end where the packet does."""
    levels: list[Level] = []
    header = (_LONG if is_long else _SHORT) - _FEC_HEADER
    while rest:
        end = header + int.from_bytes(rest[:2], "big")
        if end > len(rest) or len(levels) == MAX_LEVELS:
            return None
        mask = np.unpackbits(np.frombuffer(rest, np.uint8, header - 2, 2))
        levels.append(Level(tuple(np.flatnonzero(mask).tolist()), rest[header:end]))
        rest = rest[end:]
    return tuple(levels)
