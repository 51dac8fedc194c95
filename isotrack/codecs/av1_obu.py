"""Open Bitstream Units, what AV1 is made of (AV1 specification, sections 4.10.5 and 5.3).

     0 1 2 3 4 5 6 7
    +-+-+-+-+-+-+-+-+
    |F| type  |X|S|-|  F: always 0
    | TID |SID|- - -|  if X: temporal and spatial layer
    |M|    size     |  if S: bytes of the payload, LEB128, the low bits first; M: more follow
    |    payload    |
    +-+-+-+-+-+-+-+-+

Without a size, the payload goes up to the end of what the OBU comes in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SEQUENCE_HEADER, TEMPORAL_DELIMITER, FRAME_HEADER, TILE_GROUP = 1, 2, 3, 4
METADATA, FRAME, REDUNDANT_FRAME_HEADER, TILE_LIST, PADDING = 5, 6, 7, 8, 15

FORBIDDEN, HAS_EXTENSION, HAS_SIZE = 0x80, 0x04, 0x02
"""Bits of an OBU's first byte."""

MAX_LEB128 = 8
"""Bytes of the longest LEB128 (section 4.10.5)."""


class Obu(NamedTuple):
    """One OBU of a temporal unit."""

    kind: int
    """obu_type, as named in this module; the others are reserved."""
    temporal: int
    spatial: int
    header: bytes
    """Its first byte and, where it has one, the extension."""
    payload: memoryview


def split_unit(unit: bytes | memoryview) -> Iterator[Obu]:
    """The OBUs of a temporal unit; ends at one that is malformed or cut short.

    One without a size, which only the last can be, goes up to the end.
    """
    rest = memoryview(unit)
    while rest and not rest[0] & FORBIDDEN:
        first = rest[0]
        begin = 2 if first & HAS_EXTENSION else 1
        header = bytes(rest[:begin])
        end = len(rest)
        if first & HAS_SIZE:
            size, width = read_leb128(rest[begin:])
            begin += width
            end = begin + size if width else 0
        if not begin <= end <= len(rest):
            return
        layer = header[1] if len(header) > 1 else 0
        yield Obu(first >> 3 & 15, layer >> 5, layer >> 3 & 3, header, rest[begin:end])
        rest = rest[end:]


def write_obu(header: bytes, payload: bytes | memoryview) -> bytes:
    """An OBU that says its size (low overhead format, section 5.2)."""
    return bytes((header[0] | HAS_SIZE,)) + header[1:] + leb128(len(payload)) + payload


def leb128(value: int) -> bytes:
    """A number in LEB128, as short as can be."""
    if not 0 <= value < 1 << 7 * MAX_LEB128:
        raise ValueError(f"{value} cannot be written as LEB128")
    width = max(1, -(-value.bit_length() // 7))
    return bytes(value >> 7 * i & 127 | (0x80 if i < width - 1 else 0) for i in range(width))


def read_leb128(data: bytes | memoryview) -> tuple[int, int]:
    """The number that the data begin with, and its bytes: none if it does not end in time."""
    value = 0
    for index, byte in enumerate(bytes(data[:MAX_LEB128])):
        value |= (byte & 127) << 7 * index
        if byte < 128:
            return value, index + 1
    return 0, 0


def read_leb128s(
    buffer: NDArray[np.uint8], at: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The number at each of these places, and its bytes: none if it does not end before `end`."""
    value, width = np.zeros(at.size, np.int64), np.zeros(at.size, np.int64)
    rows = np.arange(at.size)
    for index in range(MAX_LEB128):
        rows = rows[at[rows] + index < end[rows]]
        if not rows.size:
            break
        byte = buffer[at[rows] + index]
        value[rows] |= (byte & 127).astype(np.int64) << 7 * index
        is_last = byte < 128
        width[rows[is_last]] = index + 1
        rows = rows[~is_last]
    return value, width
