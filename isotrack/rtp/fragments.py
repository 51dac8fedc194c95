"""IP fragments put together (RFC 791 section 3.2, RFC 8200 section 4.5), in bounded memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

MAX_WAITING = 256
"""Packets that wait for fragments; beyond it, the oldest is given up."""

MAX_WAIT_US = 30_000_000
"""How long a packet waits for its fragments: those of a wrapped identifier never mix."""

MAX_PAYLOAD = 65_535
MAX_PIECES = 256


class Fragment(NamedTuple):
    """A part of an IP packet's payload."""

    addresses: bytes
    """Version, source, destination and protocol."""
    identifier: int
    position: int
    more: bool
    body: bytes


@dataclass
class _Waiting:
    """The fragments there are of one packet."""

    since_us: int
    size: int | None = None
    pieces: dict[int, bytes] = field(default_factory=dict)


class Reassembly:
    """Collects fragments; what never becomes whole is counted as `fragment`."""

    def __init__(self, skipped: Counter[str]) -> None:
        self._skipped = skipped
        self._waiting: dict[tuple[bytes, int], _Waiting] = {}

    def push(self, fragment: Fragment, arrival_us: int) -> bytes | None:
        """The payload that is whole with this fragment, if it is."""
        key = (fragment.addresses, fragment.identifier)
        waiting = self._waiting.get(key)
        if waiting is None or arrival_us - waiting.since_us > MAX_WAIT_US:
            self._give_up(key)
            if len(self._waiting) == MAX_WAITING:
                self._give_up(next(iter(self._waiting)))
            waiting = self._waiting[key] = _Waiting(arrival_us)
        end = fragment.position + len(fragment.body)
        if end > MAX_PAYLOAD or len(waiting.pieces) == MAX_PIECES:
            self._give_up(key)
            return None
        waiting.pieces.setdefault(fragment.position, fragment.body)
        if not fragment.more:
            waiting.size = end
        body = _joined(waiting)
        if body is not None:
            del self._waiting[key]
        return body

    def _give_up(self, key: tuple[bytes, int]) -> None:
        if self._waiting.pop(key, None) is not None:
            self._skipped["fragment"] += 1


def _joined(waiting: _Waiting) -> bytes | None:
    """The payload, if its pieces meet without a gap or an overlap."""
    if waiting.size is None or sum(map(len, waiting.pieces.values())) != waiting.size:
        return None
    at = 0
    for position, body in sorted(waiting.pieces.items()):
        if position != at:
            return None
        at += len(body)
    return b"".join(body for _, body in sorted(waiting.pieces.items()))
