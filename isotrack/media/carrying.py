"""Packets that wait over the end of a chunk, in a buffer no larger than they need."""

from __future__ import annotations

from typing import Any

import numpy as np

from isotrack.rtp.packet import Packets

HEADROOM = 40
"""Bytes before a payload that depacketizers may write over: its RTP header and what was before."""


def join(first: Packets, second: Packets, room: int = 0) -> Packets:
    """Packets of two chunks over one buffer.

    Args:
        first: those that waited, in a buffer of their own (`trim`).
        second: those that came.
        room: how many bytes at the start of the second's buffer are free: where the first ones fit
            in there, nothing else is moved.
    """
    size = len(first.buffer)
    if size <= room:
        second.buffer[room - size : room] = first.buffer
        pair = _moved(first, room - size), second
        buffer = second.buffer
    else:
        pair = first, _moved(second, size)
        buffer = np.concatenate((first.buffer, second.buffer))
    columns: list[Any] = [np.concatenate(each) for each in zip(*(p[1:] for p in pair), strict=True)]
    return Packets(buffer, *columns)


def _moved(packets: Packets, shift: int) -> Packets:
    return packets._replace(
        packet_offset=packets.packet_offset + shift, payload_offset=packets.payload_offset + shift
    )


def trim(packets: Packets) -> Packets:
    """The same packets, at least one, over a copy of no more than their part of the buffer.

    Their RTP headers are kept, and `HEADROOM` bytes before each payload.
    """
    start = int(np.minimum(packets.packet_offset, packets.payload_offset - HEADROOM).min())
    end = int((packets.payload_offset + packets.payload_length).max())
    room = max(-start, 0)  # a buffer may begin with its first packet
    part = packets.buffer[start + room : end]
    buffer = np.zeros(end - start, np.uint8)
    buffer[room : room + part.size] = part  # nothing, where only headers were read
    return _moved(packets._replace(buffer=buffer), -start)
