"""FlexFEC (draft-ietf-payload-flexible-fec-scheme-03): parity in an SSRC of its own.

It is what libwebrtc speaks; the RFC that came of the draft (8627) has another header and another
name in signaling.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isotrack.rtp.fec_packets import FecPackets, FecReading, leading_bytes
from isotrack.rtp.packet import Packets

#  0                   1                   2                   3
#  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
# +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
# |R|F|P|X|  CC   |M| PT recovery |         length recovery       |
# |                          TS recovery                          |
# |   SSRCCount   |                    reserved                   |
# |                             SSRC_i                            |
# |           SN base_i           |k|          Mask [0-14]        |
# |k|                   Mask [15-45] (optional)                   |
# |k|                                                             |
# |                   Mask [46-108] (optional)                    |
# |  parity, up to the end of the packet                          |
_SMALLEST = 20
_LARGEST = 32


def read(packets: Packets, rows: NDArray[np.int64]) -> FecReading:
    """Read the FlexFEC packets in these rows; padding alone, sent as a probe, is passed over."""
    rows = rows[packets.payload_length[rows] > 0]
    length = packets.payload_length[rows]
    head = leading_bytes(packets, rows, _LARGEST)
    header, mask = _read_masks(head[:, 18:])
    # R: a retransmission. F: a mask of rows and columns. More than one SSRC: of several media.
    simple = (head[:, 0] & 0xC0 == 0) & (head[:, 8] == 1)
    sound = (header > 0) & (header <= length) & mask.any(axis=1)
    usable = simple & sound
    fec = FecPackets(
        rows,
        head[:, 12:16].view(">u4")[:, 0].astype(np.uint32),
        np.concatenate((head[:, :1] & 0x3F, head[:, 1:2], head[:, 4:8], head[:, 2:4]), axis=1),
        head[:, 16:18].view(">u2")[:, 0].astype(np.uint16),
        mask,
        packets.payload_offset[rows] + header,
        length - header,
        {},
    )
    unsupported = np.count_nonzero(~simple & (length >= _SMALLEST))
    malformed = rows.size - np.count_nonzero(usable) - unsupported
    return FecReading(fec.take(usable), int(malformed), int(unsupported))


def _read_masks(words: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Bytes of each header (0: its mask does not end), and the places it protects.

    The k bit of a part of the mask says that it is the last one.
    """
    bits = np.unpackbits(words, axis=1).astype(np.bool_)
    first, second, third = bits[:, 0], bits[:, 16], bits[:, 48]
    header = np.select([first, second, third], [_SMALLEST, _SMALLEST + 4, _LARGEST], 0)
    mask = np.concatenate((bits[:, 1:16], bits[:, 17:48], bits[:, 49:]), axis=1)
    mask[first, 15:] = False
    mask[second & ~first, 46:] = False
    width = 15 if first.all() else 46 if (first | second).all() else mask.shape[1]
    return header.astype(np.int64), mask[:, :width]
