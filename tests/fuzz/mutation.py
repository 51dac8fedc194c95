"""Bytes changed the way damage and attackers change them."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

INTERESTING = (0, 1, 2, 15, 16, 31, 32, 63, 64, 127, 128, 192, 255)
"""Bytes at which meanings change."""


class Edit(NamedTuple):
    """A change of bytes; its numbers are taken modulo what there is."""

    kind: str
    """One of `KINDS`."""
    at: int
    size: int
    value: int


def _flip(data: bytearray, edit: Edit, _: bytes) -> None:
    data[edit.at] ^= 1 << edit.value % 8


def _set(data: bytearray, edit: Edit, _: bytes) -> None:
    data[edit.at] = INTERESTING[edit.value % len(INTERESTING)]


def _overwrite(data: bytearray, edit: Edit, _: bytes) -> None:
    width = 1 << edit.size % 4
    data[edit.at : edit.at + width] = (edit.value % 256**width).to_bytes(width, "big")


def _delete(data: bytearray, edit: Edit, _: bytes) -> None:
    del data[edit.at : edit.at + edit.size]


def _truncate(data: bytearray, edit: Edit, _: bytes) -> None:
    del data[edit.at :]


def _repeat(data: bytearray, edit: Edit, _: bytes) -> None:
    data[edit.at : edit.at] = data[edit.at : edit.at + edit.size] * (1 + edit.value % 20)


def _insert(data: bytearray, edit: Edit, _: bytes) -> None:
    data[edit.at : edit.at] = bytes([edit.value % 256]) * (edit.size % 64)


def _splice(data: bytearray, edit: Edit, other: bytes) -> None:
    begin = edit.value % max(len(other), 1)
    data[edit.at : edit.at + edit.size] = other[begin : begin + edit.size]


_EDITORS = {
    "flip": _flip,
    "set": _set,
    "overwrite": _overwrite,
    "delete": _delete,
    "truncate": _truncate,
    "repeat": _repeat,
    "insert": _insert,
    "splice": _splice,
}
KINDS = tuple(_EDITORS)
MAX_SIZE = 1 << 18
"""No mutant is longer."""


def apply(data: bytes, edits: Sequence[Edit], other: bytes = b"") -> bytes:
    """The bytes with all edits made, one after the other."""
    body = bytearray(data)
    for edit in edits:
        if not body:
            break
        _EDITORS[edit.kind](body, edit._replace(at=edit.at % len(body)), other)
    return bytes(body[:MAX_SIZE])


def mutated(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """The bytes with some edits at random; most are near the beginning, where headers are."""
    edits = []
    for _ in range(1 + int(random.expovariate(0.4))):
        near = random.random() < 0.3
        edits.append(
            Edit(
                random.choice(KINDS),
                random.randrange(64 if near else max(len(data), 1)),
                1 + int(random.expovariate(0.02)),
                random.choice((random.getrandbits(64), random.getrandbits(5), (1 << 64) - 1)),
            )
        )
    return apply(data, edits, random.choice(others))
