"""Payload types that mean the same without signaling (RFC 3551 section 6, tables 4 and 5)."""

from __future__ import annotations

from typing import NamedTuple


class PayloadFormat(NamedTuple):
    """What a payload type stands for, in the words of SDP."""

    mime_type: str
    clock_rate: int
    channels: int = 1


STATIC_PAYLOAD_TYPES = {
    0: PayloadFormat("audio/pcmu", 8000),
    3: PayloadFormat("audio/gsm", 8000),
    4: PayloadFormat("audio/g723", 8000),
    5: PayloadFormat("audio/dvi4", 8000),
    6: PayloadFormat("audio/dvi4", 16_000),
    7: PayloadFormat("audio/lpc", 8000),
    8: PayloadFormat("audio/pcma", 8000),
    9: PayloadFormat("audio/g722", 8000),  # samples at 16 kHz, but its clock is 8 kHz
    10: PayloadFormat("audio/l16", 44_100, 2),
    11: PayloadFormat("audio/l16", 44_100),
    12: PayloadFormat("audio/qcelp", 8000),
    13: PayloadFormat("audio/cn", 8000),
    14: PayloadFormat("audio/mpa", 90_000),
    15: PayloadFormat("audio/g728", 8000),
    16: PayloadFormat("audio/dvi4", 11_025),
    17: PayloadFormat("audio/dvi4", 22_050),
    18: PayloadFormat("audio/g729", 8000),
    25: PayloadFormat("video/celb", 90_000),
    26: PayloadFormat("video/jpeg", 90_000),
    28: PayloadFormat("video/nv", 90_000),
    31: PayloadFormat("video/h261", 90_000),
    32: PayloadFormat("video/mpv", 90_000),
    33: PayloadFormat("video/mp2t", 90_000),
    34: PayloadFormat("video/h263", 90_000),
}
"""By number; those from 96 on are dynamic, 35 to 71 and 77 to 95 unassigned."""
