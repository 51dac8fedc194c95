"""Which layer an SSRC sends: its rid, told by a header extension (RFC 8852, section 3.1)."""

from __future__ import annotations

import numpy as np

from isotrack.rtp.extensions import element
from isotrack.rtp.packet import Packets

MAX_SSRCS = 32
"""SSRCs that are looked at: a sender of garbage has no more."""

_NAMED_AT_FIRST = 256  # packets in which a sender that names its streams has done so


class RidBindings:
    """Learns rids from the first packets of each SSRC, and keeps them (edge case 18).

    Args:
        identifier: id of the header extension; None where there is none.
    """

    def __init__(self, identifier: int | None) -> None:
        self._identifier = identifier
        self._seen: dict[int, int] = {}
        self.rids: dict[int, str] = {}
        """By SSRC."""

    def learn(self, packets: Packets) -> None:
        """Look at packets of one SSRC, at least one."""
        if self._identifier is None:
            return
        ssrc = int(packets.ssrc[0])
        seen = self._seen.get(ssrc, 0)
        if ssrc in self.rids or seen >= _NAMED_AT_FIRST or len(self._seen) > MAX_SSRCS:
            return
        self._seen[ssrc] = seen + packets.count
        first = packets.take(slice(0, _NAMED_AT_FIRST))
        offset, length = element(first, self._identifier)
        for row in np.flatnonzero(length)[:1].tolist():
            name = first.buffer[offset[row] : offset[row] + length[row]].tobytes()
            if name.isascii():  # a rid is letters and digits (RFC 8851, section 10)
                self.rids[ssrc] = name.decode("ascii")
