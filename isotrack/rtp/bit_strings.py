"""RTP packets as the strings of bits that parity is computed over (RFC 5109 section 8.1).

A bit string is the whole packet as it was sent (CSRCs, header extensions and padding too) but for
what a receiver knows anyway, its version, sequence number and SSRC:

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |0 0|P|X|  CC   |M|     PT      |  timestamp ...
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
      ... timestamp                 | length of what follows (u16)  |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |  all that is behind the first 12 bytes of the packet          |

In RED the packet that is protected is the one without the RED header.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from isotrack.rtp.extensions import element
from isotrack.rtp.gather import gather
from isotrack.rtp.packet import Packets
from isotrack.rtp.records import FIXED_HEADER

HEAD = 8
"""Bytes of a bit string before what follows the fixed header."""

# Senders compute parity before their pacer fills in these header extensions, so they count as
# zeros, from a byte on (libwebrtc, RtpPacket::ZeroMutableExtensions).
_MUTABLE = {
    "urn:ietf:params:rtp-hdrext:toffset": 0,
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time": 0,
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01": 0,
    "http://www.webrtc.org/experiments/rtp-hdrext/transport-wide-cc-02": 0,
    "http://www.webrtc.org/experiments/rtp-hdrext/video-timing": 7,
}


def mutable_elements(extensions: Mapping[str, int]) -> dict[int, int]:
    """Ids of header extensions that are filled in late, to the first byte of them that is.

    Args:
        extensions: ids of header extensions by URI.
    """
    return {extensions[uri]: first for uri, first in _MUTABLE.items() if uri in extensions}


def bit_strings(packets: Packets, mutable: Mapping[int, int]) -> list[bytes]:
    """The bit string of each packet; empty where its header is not there any more.

    Args:
        packets: with their RTP headers before them.
        mutable: of `mutable_elements`.
    """
    buffer = packets.buffer
    flags = buffer[packets.packet_offset]
    header_end = _header_ends(packets, flags)
    end = packets.payload_offset + packets.payload_length
    padded = np.flatnonzero(flags & 0x20)
    paddings = [_padding(buffer[at : at + 255]) for at in end[padded].tolist()]
    end[padded] += np.array(paddings, np.int64)
    begin = packets.packet_offset + FIXED_HEADER
    length = header_end - begin + end - packets.payload_offset
    head = np.empty((packets.count, HEAD), np.uint8)
    head[:, 0] = flags & 0x3F
    head[:, 1] = packets.payload_type | packets.marker.astype(np.uint8) << 7
    head[:, 2:6] = packets.timestamp.astype(">u4")[:, None].view(np.uint8)
    head[:, 6:8] = length.astype(">u2")[:, None].view(np.uint8)
    whole, heads = buffer.data, head.tobytes()
    headers = [
        bytearray(whole[a:z]) for a, z in zip(begin.tolist(), header_end.tolist(), strict=True)
    ]
    for identifier, first in mutable.items():
        at, size = element(packets, identifier)
        starts, sizes = (at - begin + first).tolist(), (size - first).tolist()
        for i in np.flatnonzero(size > first).tolist():
            headers[i][starts[i] : starts[i] + sizes[i]] = bytes(sizes[i])
    is_sound = (flags >> 6 == 2) & (header_end <= packets.payload_offset) & (length < 1 << 16)
    sound = is_sound.tolist()
    spans = zip(packets.payload_offset.tolist(), end.tolist(), strict=True)
    return [
        b"".join((heads[HEAD * i : HEAD * (i + 1)], headers[i], whole[a:z])) if sound[i] else b""
        for i, (a, z) in enumerate(spans)
    ]


def packet_of(bits: bytes, sequence_number: int, ssrc: int) -> bytes | None:
    """The packet a bit string was made of; None if it contradicts itself.

    Parity is as long as the longest packet it protects, so a shorter one ends in zeros.
    """
    second, timestamp, length = struct.unpack_from(">xBIH", bits)
    if HEAD + length > len(bits) or any(bits[HEAD + length :]):
        return None
    header = struct.pack(">BBHII", 0x80 | bits[0] & 0x3F, second, sequence_number, timestamp, ssrc)
    return header + bits[HEAD : HEAD + length]


def _header_ends(packets: Packets, flags: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Where each RTP header ends; with RED, that is not where the payload begins."""
    end = packets.packet_offset + FIXED_HEADER + 4 * (flags & 15).astype(np.int64)
    extended = np.flatnonzero((flags & 0x10 > 0) & (end + 4 <= packets.payload_offset))
    words = gather(packets.buffer, end[extended], 4).view(">u2")[:, 1]
    end[extended] += 4 + 4 * words.astype(np.int64)
    return end


def _padding(behind: NDArray[np.uint8]) -> int:
    """Bytes of padding behind a payload: the last of them is their count, those before zeros."""
    counts = np.flatnonzero(behind == np.arange(1, behind.size + 1))
    return int(counts[0]) + 1 if counts.size else 0
