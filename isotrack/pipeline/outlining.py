"""Headers of chunks for the outline of their track: from trailers, or from records read whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from isotrack.media.outline import Headers
from isotrack.rtp.packet import Packets, read_packets
from isotrack.rtp.records import Records
from isotrack.rtp.trailer import Trailer

_NEAR = 100  # numbers: a sender that begins anew seldom begins so near


def record_headers(chunk: int, records: Records) -> Headers:
    """What the headers of records say, the last of them of a chunk of that number."""
    whole = records.buffer.data
    rtcp = [
        bytes(whole[records.offset[i] : records.offset[i] + records.length[i]])
        for i in records.is_rtcp.nonzero()[0].tolist()
    ]
    came_us = records.arrival_us[records.is_rtcp].tolist()
    return Headers(chunk, read_packets(records)[0], rtcp, came_us)


def trailer_headers(chunk: int, told: Trailer) -> Headers:
    """What trailers say of the headers: packets without a byte."""
    nothing, nowhere = np.zeros(0, np.uint8), np.zeros(told.length.size, np.int64)
    columns = nowhere, told.length, told.arrival_us, told.is_rtcp, told.headers
    packets, _ = read_packets(Records(nothing, *columns, intact=True))
    came_us = told.arrival_us[told.is_rtcp].tolist() if told.rtcp else []
    return Headers(chunk, packets, told.rtcp, came_us)


def joined_headers(chunk: int, found: Sequence[Headers]) -> Headers:
    """The headers of several chunks, at least one, as those of one."""
    packets = found[0].packets
    if len(found) > 1:
        # Those that were read whole need no bytes any more: the others have none.
        columns: Any = zip(*(each.packets[1:] for each in found), strict=True)
        packets = Packets(np.zeros(0, np.uint8), *map(np.concatenate, columns))
    rtcp = [compound for each in found for compound in each.rtcp]
    came_us = [time for each in found for time in each.rtcp_arrival_us]
    return Headers(chunk, packets, rtcp, came_us)


def is_one_stream(packets: Packets) -> bool:
    """Whether the packets are of one SSRC whose numbering nowhere jumps."""
    ssrc, sequence = packets.ssrc, packets.sequence_number
    steps = sequence[1:] - sequence[:-1]
    jumps = steps + np.uint16(_NEAR) > 2 * _NEAR  # modulo 65,536: small steps back are none
    return not np.count_nonzero(ssrc != ssrc[:1]) and not np.count_nonzero(jumps)
