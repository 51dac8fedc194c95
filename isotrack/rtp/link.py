"""Link layers of captures: where the IP packet begins in a frame.

The types are those of https://www.tcpdump.org/linktypes.html; VLAN tags (IEEE 802.1Q, also
stacked) are stepped over.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.rtp.internet import number_at


class _Link(NamedTuple):
    """Where a link layer says what it carries, and where that begins."""

    ether_type: int | None
    """None: it carries nothing but IP, or says so by the IP version alone."""
    payload: int


_RAW = _Link(None, 0)

LINKS = {
    0: _Link(None, 4),  # BSD loopback: address family in the order of its machine
    1: _Link(12, 14),  # Ethernet
    12: _RAW,  # raw IP, as some systems number it
    14: _RAW,
    101: _RAW,  # raw IP
    108: _Link(None, 4),  # OpenBSD loopback: address family in network order
    113: _Link(14, 16),  # Linux cooked capture
    228: _RAW,  # raw IPv4
    229: _RAW,  # raw IPv6
    276: _Link(0, 20),  # Linux cooked capture v2
}
"""The link types that are read."""

_INTERNET = (0x0800, 0x86DD)
_VLAN = (0x8100, 0x88A8, 0x9100)
_MAX_TAGS = 8


def find_internet(
    buffer: NDArray[np.uint8],
    offset: NDArray[np.int64],
    end: NDArray[np.int64],
    link_type: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Where the IP packet of each frame begins; -1 where there is none."""
    found = np.full(offset.size, -1, np.int64)
    for number in np.unique(link_type).tolist():
        link = LINKS.get(number)
        if link is None:
            continue
        rows = np.flatnonzero(link_type == number)
        at = offset[rows] + link.payload
        if link.ether_type is not None:
            kind_at = offset[rows] + link.ether_type
            at = _skip_tags(buffer, kind_at, at, end[rows])
        found[rows] = np.where(at < end[rows], at, -1)
    return found


def _skip_tags(
    buffer: NDArray[np.uint8],
    kind_at: NDArray[np.int64],
    at: NDArray[np.int64],
    end: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Where the payload begins behind VLAN tags; -1 where it is not IP."""
    kind = np.where(kind_at + 2 <= end, number_at(buffer, kind_at, 2), 0)
    for _ in range(_MAX_TAGS):
        tagged = np.isin(kind, _VLAN)
        if not tagged.any():
            break
        # Two bytes of tag stand before the type of what follows.
        inner = at + 2
        kind = np.where(tagged, np.where(inner + 2 <= end, number_at(buffer, inner, 2), 0), kind)
        at = np.where(tagged, at + 4, at)
    return np.where(np.isin(kind, _INTERNET), at, -1)
