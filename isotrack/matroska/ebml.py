"""EBML elements as bytes: an id, a size, a payload (RFC 8794)."""

from __future__ import annotations

import struct

UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
"""Eight bytes that say: ends where a parent or a sibling says so (RFC 8794, section 6.2)."""

UNIX_TIME_OF_2001_NS = 978_307_200_000_000_000
"""EBML counts nanoseconds from 2001-01-01T00:00:00 UTC (RFC 8794, section 7.6)."""

_VOID = 0xEC


def id_bytes(identifier: int) -> bytes:
    """An element id, whose length marker is part of its number (RFC 8794, section 5)."""
    return identifier.to_bytes((identifier.bit_length() + 7) // 8, "big")


def size(value: int, width: int = 0) -> bytes:
    """An element data size (RFC 8794, section 6).

    Args:
        value: bytes of payload.
        width: bytes to write it in, 1 to 8; 0 takes the fewest.

    Raises:
        ValueError: the value does not fit; all ones are kept for "unknown".
    """
    if value < 0:
        raise ValueError(f"an EBML size of {value} bytes")
    needed = -(-(value + 1).bit_length() // 7)
    width = width or needed
    if needed > width or width > 8:
        raise ValueError(f"an EBML size of {value} does not fit in {min(width, 8)} bytes")
    return (value | 1 << 7 * width).to_bytes(width, "big")


def binary(identifier: int, payload: bytes) -> bytes:
    """An element of bytes, as they are."""
    return b"".join((id_bytes(identifier), size(len(payload)), payload))


def master(identifier: int, *children: bytes) -> bytes:
    """An element made of elements."""
    return binary(identifier, b"".join(children))


def unsigned(identifier: int, value: int, width: int = 0) -> bytes:
    """An unsigned integer, in the fewest bytes or in just `width`.

    Raises:
        ValueError: the value is negative or does not fit.
    """
    needed = max(1, (value.bit_length() + 7) // 8)
    width = width or needed
    if value < 0 or needed > width or width > 8:
        raise ValueError(f"element {identifier:X} cannot hold the unsigned integer {value}")
    return binary(identifier, value.to_bytes(width, "big"))


def float64(identifier: int, value: float) -> bytes:
    """A float of eight bytes."""
    return binary(identifier, struct.pack(">d", value))


def string(identifier: int, value: str) -> bytes:
    """A string of printable ASCII (RFC 8794, section 7.4).

    Raises:
        ValueError: there is something else in it.
    """
    if not (value.isascii() and value.isprintable()):
        raise ValueError(f"element {identifier:X} holds printable ASCII only: {value!r}")
    return binary(identifier, value.encode("ascii"))


def utf8(identifier: int, value: str) -> bytes:
    """A Unicode string.

    Raises:
        ValueError: a NUL, with which readers end a string, or a lone surrogate is in it.
    """
    if "\0" in value:
        raise ValueError(f"element {identifier:X} cannot hold a NUL: {value!r}")
    return binary(identifier, value.encode("utf-8"))


def date(identifier: int, unix_ns: int) -> bytes:
    """A date, given in Unix nanoseconds."""
    return binary(identifier, (unix_ns - UNIX_TIME_OF_2001_NS).to_bytes(8, "big", signed=True))


def void(total: int) -> bytes:
    """Space of `total` bytes (at least 2), its own id and size among them."""
    if total < 2:
        raise ValueError(f"a Void element has at least 2 bytes, not {total}")
    width = 1 if total < 9 else 8
    payload = total - 1 - width
    return id_bytes(_VOID) + size(payload, width) + bytes(payload)
