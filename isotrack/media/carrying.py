"""Packets that wait over the end of a chunk, in a buffer no larger than they need."""

from __future__ import annotations

from typing import Any

import numpy as np

from isotrack.rtp.packet import Packets

HEADROOM = 32
"""Bytes before a payload that depacketizers may overwrite: its RTP and record headers."""


def join(first: Packets, second: Packets) -> Packets:
    """Packets of two chunks over one buffer."""
    shift = len(first.buffer)
    moved = second._replace(
        payload_offset=second.payload_offset + shift,
        extension_offset=second.extension_offset + shift,
    )
    pairs: Any = zip(first, moved, strict=True)
    return Packets(*(np.concatenate(pair) for pair in pairs))


def trim(packets: Packets) -> Packets:
    """The same packets, at least one, over a copy of no more than their part of the buffer."""
    starts = np.where(
        packets.extension_length > 0,
        np.minimum(packets.payload_offset, packets.extension_offset),
        packets.payload_offset,
    )
    start = max(int(starts.min()) - HEADROOM, 0)
    end = int((packets.payload_offset + packets.payload_length).max())
    return packets._replace(
        buffer=packets.buffer[start:end].copy(),
        payload_offset=packets.payload_offset - start,
        extension_offset=packets.extension_offset - start,
    )
