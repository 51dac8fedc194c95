"""Telling RTP, RTCP and the rest apart on one port (RFC 7983 section 7, RFC 5761 section 4)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NEITHER, RTP, RTCP = 0, 1, 2
"""What `kinds` says of a datagram."""

_RTP_HEADER = 12
_RTCP_HEADER = 4

# The first byte of RTP and RTCP is 128 to 191; STUN, DTLS and TURN channels lie below. With marker
# and payload type in one byte, 192 to 223 is where RTCP has its packet types.


def looks_like_rtp(datagram: bytes) -> bool:
    """Whether a datagram is RTP by its first bytes."""
    return (
        len(datagram) >= _RTP_HEADER and 128 <= datagram[0] <= 191 and not 192 <= datagram[1] <= 223
    )


def looks_like_rtcp(datagram: bytes) -> bool:
    """Whether a datagram is RTCP by its first bytes."""
    return len(datagram) >= _RTCP_HEADER and 128 <= datagram[0] <= 191 and 192 <= datagram[1] <= 223


def kinds(
    buffer: NDArray[np.uint8], offset: NDArray[np.int64], length: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """What each datagram in the buffer is: `NEITHER`, `RTP` or `RTCP`."""
    kind = np.full(offset.size, NEITHER, np.uint8)
    rows = np.flatnonzero(length >= _RTCP_HEADER)
    first, second = buffer[offset[rows]], buffer[offset[rows] + 1]
    version_2 = first >> 6 == 2
    is_rtcp = version_2 & (second >= 192) & (second <= 223)
    is_rtp = version_2 & ~is_rtcp & (length[rows] >= _RTP_HEADER)
    kind[rows[is_rtcp]] = RTCP
    kind[rows[is_rtp]] = RTP
    return kind
