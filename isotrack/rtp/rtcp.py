"""RTCP (RFC 3550 section 6, RFC 4585 section 6.3.1): sender reports, goodbyes, keyframe requests.

Every packet of a compound begins alike; the length covers what follows these four bytes:

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |V=2|P|  count  |  packet type  |       length in words         |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_SENDER_REPORT = 200
_SOURCE_DESCRIPTION = 202
_BYE = 203
_PAYLOAD_SPECIFIC_FEEDBACK = 206
_PICTURE_LOSS_INDICATION = 1
_CNAME = 1

_SENDER = struct.Struct(">IQIII")

_NTP_EPOCH_S = 2_208_988_800
"""Seconds from 1900, where NTP era 0 begins, to 1970 (RFC 5905 section 6)."""


class SenderReport(NamedTuple):
    """What a sender says of its clocks: its NTP time and its RTP time at one moment."""

    ssrc: int
    ntp: int
    """NTP time, 32 bits of seconds and 32 bits of fraction; 0 where the sender has no clock."""
    rtp_timestamp: int
    packet_count: int
    octet_count: int


class Bye(NamedTuple):
    """Sources that leave."""

    ssrcs: tuple[int, ...]


def read_compound(packet: bytes | memoryview) -> list[SenderReport | Bye]:
    """The sender reports and goodbyes of a compound packet; all else in it is passed over.

    Reading stops without an error at the first packet whose header is not sound: what stood before
    it counts.
    """
    found: list[SenderReport | Bye] = []
    for count, packet_type, body in _split(packet):
        if packet_type == _SENDER_REPORT and len(body) >= _SENDER.size:
            found.append(SenderReport(*_SENDER.unpack_from(body)))
        elif packet_type == _BYE and len(body) >= 4 * count:
            found.append(Bye(struct.unpack_from(f">{count}I", body)))
    return found


def is_picture_loss_indication(packet: bytes | memoryview) -> bool:
    """Whether a compound packet asks for a keyframe by picture loss indication (RFC 4585)."""
    return any(
        packet_type == _PAYLOAD_SPECIFIC_FEEDBACK
        and message == _PICTURE_LOSS_INDICATION
        and len(body) >= 8
        for message, packet_type, body in _split(packet)
    )


def _split(packet: bytes | memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """Count (or feedback message type), packet type and body of each packet in a compound."""
    rest = memoryview(packet)
    while len(rest) >= 4:
        flags, packet_type, words = struct.unpack_from(">BBH", rest)
        end = 4 + 4 * words
        if flags >> 6 != 2 or end > len(rest):
            return
        yield flags & 31, packet_type, rest[4:end]
        rest = rest[end:]


def sender_report(report: SenderReport, cname: str) -> bytes:
    """A compound packet of a sender report and the source description that must go with it.

    Raises:
        ValueError: The CNAME is longer than 255 bytes.
    """
    name = cname.encode()
    if len(name) > 255:
        raise ValueError(f"CNAME of {len(name)} bytes is longer than 255")
    chunk = struct.pack(">IBB", report.ssrc, _CNAME, len(name)) + name
    chunk += bytes(4 - len(chunk) % 4)  # at least one zero byte ends the list of items
    return _join(0, _SENDER_REPORT, _SENDER.pack(*report)) + _join(1, _SOURCE_DESCRIPTION, chunk)


def picture_loss_indication(sender_ssrc: int, media_ssrc: int) -> bytes:
    """A request for a keyframe of `media_ssrc` (RFC 4585 section 6.3.1)."""
    body = struct.pack(">II", sender_ssrc, media_ssrc)
    return _join(_PICTURE_LOSS_INDICATION, _PAYLOAD_SPECIFIC_FEEDBACK, body)


def bye(ssrcs: Sequence[int]) -> bytes:
    """A goodbye of up to 31 sources (RFC 3550 section 6.6).

    Raises:
        ValueError: There are more than 31.
    """
    if len(ssrcs) > 31:
        raise ValueError(f"a BYE names at most 31 sources, not {len(ssrcs)}")
    return _join(len(ssrcs), _BYE, struct.pack(f">{len(ssrcs)}I", *ssrcs))


def _join(count: int, packet_type: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0x80 | count, packet_type, len(body) // 4) + body


def ntp_from_unix_us(us: int) -> int:
    """The 64-bit NTP time of a Unix time in microseconds, modulo the era (RFC 5905 section 6)."""
    seconds, microseconds = divmod(us, 1_000_000)
    return ((seconds + _NTP_EPOCH_S << 32) + (microseconds << 32) // 1_000_000) % (1 << 64)


def unix_us_from_ntp(ntp: int) -> int:
    """The Unix time in microseconds, rounded, of a 64-bit NTP time.

    Seconds with the top bit clear are of the era that begins in 2036 (RFC 4330 section 3).
    """
    if ntp >> 63 == 0:
        ntp += 1 << 64
    return (ntp * 1_000_000 + (1 << 31) >> 32) - _NTP_EPOCH_S * 1_000_000


def cnames(packet: bytes | memoryview) -> dict[int, str]:
    """The canonical name of each source that a compound packet describes (RFC 3550 section 6.5).

    Reading stops at the first item that does not fit: what stood before it counts.
    """
    found: dict[int, str] = {}
    for count, packet_type, body in _split(packet):
        at = 0
        for _ in range(count if packet_type == _SOURCE_DESCRIPTION else 0):
            if at + 4 > len(body):
                break
            ssrc = int.from_bytes(body[at : at + 4], "big")
            at += 4
            while at + 2 <= len(body) and body[at]:
                kind, end = body[at], at + 2 + body[at + 1]
                if end > len(body):
                    return found
                if kind == _CNAME:
                    found[ssrc] = bytes(body[at + 2 : end]).decode("utf-8", "replace")
                at = end
            at += 4 - at % 4  # the list of items ends with zeros up to the next word
    return found
