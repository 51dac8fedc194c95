"""Checksums that a store confirms before it says that an object is there."""

from __future__ import annotations

import base64

from fastcrc import crc32

from isotrack.recording.errors import Transient


def crc32c_base64(crc32c: int) -> str:
    """A CRC32C as S3 spells it: base64 of its four bytes, big-endian."""
    return base64.b64encode(crc32c.to_bytes(4, "big")).decode("ascii")


def crc32c_of(body: bytes | memoryview) -> int:
    """The CRC32C of a body."""
    return crc32.iscsi(body)


def verify_crc32c(place: str, body: bytes, crc32c: int | None) -> None:
    """Refuse bytes that changed on their way to `place`.

    Raises:
        Transient: they are not those of the checksum; the sender may still have the right ones.
    """
    if crc32c is None:
        return
    received = crc32c_of(body)
    if received != crc32c:
        raise Transient(f"{place}: received bytes of CRC32C {received:08x}, not {crc32c:08x}")
