"""Writing RTP headers (RFC 3550 section 5.1) with header extensions (RFC 8285)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from types import MappingProxyType

_NO_EXTENSIONS: Mapping[int, bytes] = MappingProxyType({})


def write_header(
    payload_type: int,
    sequence_number: int,
    timestamp: int,
    ssrc: int,
    marker: bool,
    extensions: Mapping[int, bytes] = _NO_EXTENSIONS,
) -> bytes:
    """An RTP header; the extensions are by id, in the one-byte form where they all fit it.

    Raises:
        ValueError: A field is out of its range, or an extension fits neither form.
    """
    try:
        header = struct.pack(
            ">BBHII",
            0x90 if extensions else 0x80,
            marker << 7 | payload_type,
            sequence_number,
            timestamp,
            ssrc,
        )
    except struct.error as error:
        raise ValueError(f"RTP header field out of range: {error}") from None
    if not 0 <= payload_type <= 127:
        raise ValueError(f"RTP payload type {payload_type} is not in 0..127")
    return header + _write_extensions(extensions) if extensions else header


def _write_extensions(extensions: Mapping[int, bytes]) -> bytes:
    body = bytearray()
    one_byte = all(1 <= key <= 14 and 1 <= len(value) <= 16 for key, value in extensions.items())
    for key, value in extensions.items():
        if one_byte:
            body.append(key << 4 | len(value) - 1)
        elif 1 <= key <= 255 and len(value) <= 255:
            body += bytes((key, len(value)))
        else:
            raise ValueError(f"header extension {key} of {len(value)} bytes fits no form")
        body += value
    body += bytes(-len(body) % 4)
    return struct.pack(">HH", 0xBEDE if one_byte else 0x1000, len(body) // 4) + body
