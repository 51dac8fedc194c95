"""A sender of FEC for tests: field by field as the RFCs tell it, sharing nothing with ours."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

Protected = Mapping[int, bytes]
"""RTP packets by place: how many sequence numbers each is behind the sequence base."""


def xor(strings: Sequence[bytes]) -> bytes:
    """The exclusive or of strings, as long as the longest."""
    result = bytearray(max(map(len, strings), default=0))
    for string in strings:
        for i, byte in enumerate(string):
            result[i] ^= byte
    return bytes(result)


def mask_bits(places: Sequence[int], size: int) -> str:
    """A mask, its first place first."""
    return "".join("1" if place in places else "0" for place in range(size))


def ulpfec(
    protected: Protected,
    base: int,
    *,
    levels: Sequence[tuple[Sequence[int], int]] | None = None,
    long_mask: bool = False,
) -> bytes:
    """The payload of a ULPFEC packet (RFC 5109 section 7.2).

    Args:
        protected: the packets.
        base: sequence number of place 0.
        levels: places and protection length of each; None is one level over all of everything.
        long_mask: whether masks have 48 bits.
    """
    if levels is None:
        levels = [(list(protected), max(len(packet) - 12 for packet in protected.values()))]
    first = [protected[place] for place in levels[0][0]]
    flags = xor([packet[:1] for packet in first])[0] & 0x3F | long_mask << 6
    second = xor([packet[1:2] for packet in first])
    timestamp = xor([packet[4:8] for packet in first])
    length = xor([struct.pack(">H", len(packet) - 12) for packet in first])
    payload = bytes([flags]) + second + struct.pack(">H", base) + timestamp + length
    begin = 12
    for places, size in levels:
        bits = mask_bits(places, 48 if long_mask else 16)
        payload += struct.pack(">H", size) + int(bits, 2).to_bytes(len(bits) // 8, "big")
        parts = [protected[place][begin : begin + size] for place in places]
        payload += xor(parts).ljust(size, b"\0")
        begin += size
    return payload


def flexfec(protected: Protected, base: int, ssrc: int, *, flags: int = 0, count: int = 1) -> bytes:
    """The payload of a FlexFEC packet (draft-ietf-payload-flexible-fec-scheme-03 section 4.2).

    Args:
        protected: the packets.
        base: sequence number of place 0.
        ssrc: of the packets.
        flags: R (0x80) and F (0x40).
        count: what it says how many SSRCs are protected.
    """
    packets = list(protected.values())
    bits = mask_bits(list(protected), 109)
    if "1" not in bits[15:]:
        mask = "1" + bits[:15]
    elif "1" not in bits[46:]:
        mask = "0" + bits[:15] + "1" + bits[15:46]
    else:
        mask = "0" + bits[:15] + "0" + bits[15:46] + "1" + bits[46:]
    return b"".join(
        (
            bytes([xor([packet[:1] for packet in packets])[0] & 0x3F | flags]),
            xor([packet[1:2] for packet in packets]),
            xor([struct.pack(">H", len(packet) - 12) for packet in packets]),
            xor([packet[4:8] for packet in packets]),
            struct.pack(">BxxxIH", count, ssrc, base),
            int(mask, 2).to_bytes(len(mask) // 8, "big"),
            xor([packet[12:] for packet in packets]),
        )
    )
