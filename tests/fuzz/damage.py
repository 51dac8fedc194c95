"""What is done to the packets of a call: the damage of networks and disks, and of attackers.

Each edit is ten bytes: kind, index of a packet u16, how many u16, and a number i32, and one more
byte of choice. What an edit spoils is told, so that the rest can be asked for.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from isotrack.media.silence import LONGEST_HOLE_US
from tests.fuzz.choices import Choices
from tests.sessions import Datagram

EDIT = struct.Struct(">BHHiB")
MAX_EDITS = 12
_MOST = 3000  # packets that one edit makes
_LONG_US = 600_000_000
_FAR = 4000  # numbers this far off are those of no packet nearby


@dataclass
class Sent:
    """A packet on its way, and which one of the call it is; None of one that is none of it."""

    datagram: Datagram
    index: int | None

    def header(self, offset: int, form: str, value: int) -> None:
        """Write a field of the RTP header."""
        whole = bytearray(self.datagram.data)
        size = struct.calcsize(form)
        if len(whole) >= offset + size:
            struct.pack_into(form, whole, offset, value % (1 << 8 * size))
            self.datagram = self.datagram._replace(data=bytes(whole))


@dataclass
class Damage:
    """What came of the edits."""

    sent: list[Sent]
    spoiled: set[int] = field(default_factory=set)
    """Packets of the call that are not what they were, or not there."""
    is_local: bool = True
    """Nothing that can do harm to any packet but those."""
    moves_arrivals: bool = False
    wild_timestamps: int = 0
    """How many packets have another timestamp than they had."""


@dataclass
class Edit:
    """One edit as read."""

    at: int
    count: int
    number: int
    choice: int


def damaged(call: list[Datagram], choices: Choices) -> Damage:
    """The packets of a call after some edits."""
    found = Damage([Sent(datagram, index) for index, datagram in enumerate(call)])
    for _ in range(choices.number(1) % (MAX_EDITS + 1)):
        kind, at, count, number, choice = EDIT.unpack(
            choices.take(EDIT.size).ljust(EDIT.size, b"\0")
        )
        if not found.sent:
            break
        edit = Edit(at % len(found.sent), count % 64 + 1, number, choice)
        _KINDS[kind % len(_KINDS)](found, edit)
    return found


def _touched(found: Damage, edit: Edit) -> list[Sent]:
    """The packets of an edit, which are spoiled from now on."""
    touched = found.sent[edit.at : edit.at + edit.count]
    found.spoiled |= {each.index for each in touched if each.index is not None}
    return touched


def _flip_payload(found: Damage, edit: Edit) -> None:
    for each in _touched(found, Edit(edit.at, 1, 0, 0)):
        whole = bytearray(each.datagram.data)
        begin = min(12, len(whole) - 1)
        whole[begin + edit.number % (len(whole) - begin)] ^= 1 << edit.choice % 8
        each.datagram = each.datagram._replace(data=bytes(whole))


def _truncate(found: Damage, edit: Edit) -> None:
    for each in _touched(found, Edit(edit.at, 1, 0, 0)):
        kept = 1 + edit.number % len(each.datagram.data)
        each.datagram = each.datagram._replace(data=each.datagram.data[:kept])


def _drop(found: Damage, edit: Edit) -> None:
    _touched(found, edit)
    del found.sent[edit.at : edit.at + edit.count]


def _duplicate(found: Damage, edit: Edit) -> None:
    copy = Sent(found.sent[edit.at].datagram, None)
    to = min(edit.at + 1 + edit.number % 40, len(found.sent))
    found.sent.insert(to, copy)


def _move(found: Damage, edit: Edit) -> None:
    """Packets that others overtake."""
    moved = found.sent[edit.at : edit.at + 1]
    del found.sent[edit.at : edit.at + 1]
    to = min(edit.at + edit.number % 40, len(found.sent))
    found.sent[to:to] = moved


def _renumber(found: Damage, edit: Edit) -> None:
    touched = _touched(found, edit)
    distance = (edit.number + 32768) % 65536 - 32768
    found.is_local &= edit.count == 1 and abs(distance) > _FAR
    for each in touched:
        sequence = int.from_bytes(each.datagram.data[2:4], "big")
        each.header(2, ">H", sequence + distance)


def _retime(found: Damage, edit: Edit) -> None:
    found.is_local &= edit.count == 1
    touched = _touched(found, edit)
    found.wild_timestamps += len(touched)
    for each in touched:
        timestamp = int.from_bytes(each.datagram.data[4:8], "big")
        each.header(4, ">I", timestamp + edit.number)


def _rename(found: Damage, edit: Edit) -> None:
    found.is_local = False
    for i, each in enumerate(_touched(found, edit)):
        each.header(8, ">I", edit.number + i * (edit.choice & 1))


def _retype(found: Damage, edit: Edit) -> None:
    for each in _touched(found, edit):
        each.header(1, ">B", edit.choice)


def _delay(found: Damage, edit: Edit) -> None:
    """Arrivals that jump, for some packets or for good."""
    found.is_local, found.moves_arrivals = False, True
    scale = (1, 1000, 1_000_000, 60_000_000)[edit.choice % 4]
    step_us = edit.number * scale
    if _LONG_US < abs(step_us) < LONGEST_HOLE_US:
        step_us %= _LONG_US  # a fill of hours is right there, and slow to look at
    end = None if edit.choice & 4 else edit.at + edit.count
    for each in found.sent[edit.at : end]:
        at_us = each.datagram.arrival_us + step_us
        each.datagram = each.datagram._replace(
            arrival_us=min(max(at_us, 0), (1 << 32) * 1_000_000 - 1)
        )


def _extend(found: Damage, edit: Edit) -> None:
    """A header extension of garbage."""
    for each in _touched(found, Edit(edit.at, 1, 0, 0)):
        data = each.datagram.data
        if len(data) > 12 and not data[0] & 0x1F:
            profile = (0xBEDE, 0x1000, edit.number & 0xFFFF)[edit.choice % 3]
            garbage = edit.number.to_bytes(4, "big", signed=True) * (edit.count % 8)
            block = struct.pack(">HH", profile, len(garbage) // 4) + garbage
            whole = bytes([data[0] | 0x10]) + data[1:12] + block + data[12:]
            each.datagram = each.datagram._replace(data=whole)


def _pad(found: Damage, edit: Edit) -> None:
    """Packets that become padding."""
    for each in _touched(found, edit):
        size = max(len(each.datagram.data) - 12, 1) % 256 or 255
        whole = bytes([0xA0]) + each.datagram.data[1:12] + bytes(size - 1) + bytes([size])
        each.datagram = each.datagram._replace(data=whole)


def _freeze(found: Damage, edit: Edit) -> None:
    """Packets that all have the timestamp of the first."""
    found.is_local = False
    touched = _touched(found, edit if edit.choice & 1 else Edit(0, len(found.sent), 0, 0))
    timestamp = int.from_bytes(touched[0].datagram.data[4:8], "big")
    for each in touched:
        each.header(4, ">I", timestamp)


def _burst(found: Damage, edit: Edit) -> None:
    """A packet again and again, with another number, time or SSRC each time."""
    found.is_local = False
    template = found.sent[edit.at].datagram
    made = []
    for i in range(1, edit.count * 50 % _MOST):
        each = Sent(template, None)
        if edit.choice & 1:
            each.header(2, ">H", int.from_bytes(template.data[2:4], "big") + i)
        if edit.choice & 2:
            each.header(4, ">I", int.from_bytes(template.data[4:8], "big") + i * edit.number)
            found.wild_timestamps += 1
        if edit.choice & 4:
            each.header(8, ">I", i)
        made.append(each)
    found.sent[edit.at + 1 : edit.at + 1] = made


def _unmark(found: Damage, edit: Edit) -> None:
    for each in _touched(found, edit):
        each.header(1, ">B", each.datagram.data[1] ^ 0x80 if len(each.datagram.data) > 1 else 0)


_KINDS: tuple[Callable[[Damage, Edit], None], ...] = (
    _flip_payload,
    _truncate,
    _drop,
    _duplicate,
    _move,
    _renumber,
    _retime,
    _rename,
    _retype,
    _delay,
    _extend,
    _pad,
    _freeze,
    _burst,
    _unmark,
)
NAMES = tuple(each.__name__.removeprefix("_") for each in _KINDS)
