"""IP headers, read at once into columns: IPv4 (RFC 791) and IPv6 with its extensions (RFC 8200).

IPv4:                                                IPv6:
     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    |V = 4 |  IHL  |      TOS      |         total length          |
    |        identification        |0|D|M|    fragment offset      |
    |      TTL     |    protocol   |           checksum            |
    |                source address; destination address; options  |

    |V = 6 |     traffic class and flow label                      |
    |        payload length        |  next header  |   hop limit   |
    |     source address; destination address, 16 bytes each       |
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

IP4, IP6 = 4, 6
_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION = 0, 43, 44, 51, 60
_EXTENSIONS = (_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION)
_MAX_EXTENSIONS = 16


class Headers(NamedTuple):
    """What IP headers say: columns."""

    protocol: NDArray[np.int64]
    payload: NDArray[np.int64]
    """Where the payload begins."""
    end: NDArray[np.int64]
    """Where the IP packet ends as sent: behind what was captured, if a snaplen cut it."""
    fragment: NDArray[np.bool_]
    """Only a part of the payload is here."""
    identifier: NDArray[np.int64]
    position: NDArray[np.int64]
    """Where a fragment belongs in the payload, in bytes."""
    more: NDArray[np.bool_]
    """Fragments follow this one."""
    address: NDArray[np.uint8]
    """[n, 33] version, source, destination; IPv4 addresses in the first bytes of their room."""

    def take(self, selection: NDArray[Any]) -> Headers:
        """The headers a mask or an array of indexes selects."""
        return Headers(*(column[selection] for column in self))


def number_at(buffer: NDArray[np.uint8], at: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """The big-endian number of so many bytes at each place; bytes outside the buffer are 0."""
    number = np.zeros(at.size, np.int64)
    for position in range(width):
        where = at + position
        inside = (where >= 0) & (where < buffer.size)
        byte = buffer[np.where(inside, where, 0)] if buffer.size else np.zeros(at.size, np.uint8)
        number = number << 8 | np.where(inside, byte, 0)
    return number


def read_headers(
    buffer: NDArray[np.uint8], at: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[Headers, NDArray[np.bool_]]:
    """The IP headers at these places, and which of them are sound.

    Args:
        buffer: the bytes.
        at: where each IP packet begins.
        end: where what was captured of it ends.
    """
    version = number_at(buffer, at, 1) >> 4
    is_4, is_6 = version == IP4, version == IP6
    four, sound_4 = _read_4(buffer, at, end)
    six, sound_6 = _read_6(buffer, at, end)
    pairs: Any = zip(four, six, strict=True)
    columns = [np.where(is_4[:, None] if a.ndim == 2 else is_4, a, b) for a, b in pairs]
    return Headers(*columns), (is_4 & sound_4) | (is_6 & sound_6)


def _read_4(
    buffer: NDArray[np.uint8], at: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[Headers, NDArray[np.bool_]]:
    size = (number_at(buffer, at, 1) & 15) * 4
    total = number_at(buffer, at + 2, 2)
    total = np.where(total == 0, end - at, total)  # a segment offload leaves it empty
    flags = number_at(buffer, at + 6, 2)
    position = (flags & 0x1FFF) * 8
    more = flags & 0x2000 != 0
    headers = Headers(
        number_at(buffer, at + 9, 1),
        at + size,
        at + total,
        more | (position > 0),
        number_at(buffer, at + 4, 2),
        position,
        more,
        _address(buffer, at + 12, 4, IP4),
    )
    return headers, (size >= 20) & (at + size <= end) & (total >= size)


def _read_6(
    buffer: NDArray[np.uint8], at: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[Headers, NDArray[np.bool_]]:
    stop = at + 40 + number_at(buffer, at + 4, 2)
    protocol = number_at(buffer, at + 6, 1)
    payload = at + 40
    flags = np.zeros(at.size, np.int64)
    identifier = np.zeros(at.size, np.int64)
    fragment = np.zeros(at.size, np.bool_)
    for _ in range(_MAX_EXTENSIONS):
        # Behind a fragment header stand pieces, not headers, but in the first one.
        extended = np.isin(protocol, _EXTENSIONS) & ~fragment & (payload + 8 <= end)
        if not extended.any():
            break
        here = extended & (protocol == _FRAGMENT)
        flags = np.where(here, number_at(buffer, payload + 2, 2), flags)
        identifier = np.where(here, number_at(buffer, payload + 4, 4), identifier)
        fragment |= here & (flags & 0xFFF9 != 0)  # an atomic fragment is whole (RFC 6946)
        length = number_at(buffer, payload + 1, 1)
        size = np.where(protocol == _AUTHENTICATION, length * 4 + 8, length * 8 + 8)
        size = np.where(here, 8, size)
        protocol = np.where(extended, number_at(buffer, payload, 1), protocol)
        payload = np.where(extended, payload + size, payload)
    headers = Headers(
        protocol,
        payload,
        stop,
        fragment,
        identifier,
        flags & 0xFFF8,
        flags & 1 != 0,
        _address(buffer, at + 8, 16, IP6),
    )
    return headers, (payload <= end) & (payload <= stop)


def _address(
    buffer: NDArray[np.uint8], at: NDArray[np.int64], size: int, version: int
) -> NDArray[np.uint8]:
    """Version, source and destination of each packet."""
    address = np.zeros((at.size, 33), np.uint8)
    address[:, 0] = version
    if buffer.size:
        places = np.minimum(at[:, None] + np.arange(2 * size), buffer.size - 1)
        both = buffer[places]
        address[:, 1 : 1 + size], address[:, 17 : 17 + size] = both[:, :size], both[:, size:]
    return address
