"""Retransmissions (RFC 4588): packets sent again become the packets they stand for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from isotrack.rtp.gather import gather
from isotrack.rtp.packet import Packets

#  0                   1
#  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
# +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
# |   original sequence number    |  then the original payload (section 4)
_NUMBER = 2


def restore(packets: Packets, pairs: Mapping[tuple[int, int | None], tuple[int, int]]) -> Packets:
    """The packets with those sent again as they were at first: number, payload type and SSRC.

    The timestamp is the original's already, and header extensions belong to the packet they come
    with. What has a payload type of retransmissions but no number (padding, probes), or an SSRC
    that is tied to no media, is left out.

    Args:
        packets: in any order.
        pairs: (payload type, SSRC) of retransmissions to those of their media; an SSRC of None
            stands for every one that is not named.
    """
    again = np.zeros(128, np.bool_)
    again[[payload_type for payload_type, _ in pairs]] = True
    is_rtx = again[packets.payload_type]
    if not is_rtx.any():
        return packets
    payload_type, ssrc = packets.payload_type.copy(), packets.ssrc.copy()
    restored = np.zeros(packets.count, np.bool_)
    numbered = packets.payload_length >= _NUMBER
    # Those with an SSRC of their own first: the others take what is left.
    for (sent_type, sent_ssrc), media in sorted(pairs.items(), key=lambda pair: pair[0][1] is None):
        mine = numbered & ~restored & (packets.payload_type == sent_type)
        if sent_ssrc is not None:
            mine &= packets.ssrc == sent_ssrc
        payload_type[mine], ssrc[mine] = media
        restored |= mine
    rows = np.flatnonzero(restored)
    sequence_number = packets.sequence_number.copy()
    sequence_number[rows] = gather(packets.buffer, packets.payload_offset[rows], _NUMBER).view(
        ">u2"
    )[:, 0]
    return packets._replace(
        sequence_number=sequence_number,
        payload_type=payload_type,
        ssrc=ssrc,
        payload_offset=packets.payload_offset + _NUMBER * restored,
        payload_length=packets.payload_length - _NUMBER * restored,
        restored=packets.restored | restored,
    ).take(~is_rtx | restored)
