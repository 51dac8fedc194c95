"""What is done to a participant session's folder: chunks cut and flipped, a manifest that lies."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from isotrack.recording.manifest import CapturedTrack, Chunk
from tests.fuzz.captures import fix_trailer
from tests.fuzz.choices import Choices
from tests.sessions import Datagram, Session

EDIT = struct.Struct(">BBIqB")
MAX_EDITS = 6
MAX_RECORDS = 8192
_HOUR_US = 3_000_000_000


def parts(datagrams: Sequence[Datagram], chunk_us: int) -> Iterator[list[Datagram]]:
    """The packets of each chunk: an hour of arrivals is the most that one can hold."""
    part: list[Datagram] = []
    for each in datagrams:
        if not each.data:
            continue
        apart_us = abs(each.arrival_us - part[0].arrival_us) if part else 0
        if len(part) == MAX_RECORDS or apart_us >= min(chunk_us, _HOUR_US):
            yield part
            part = []
        part.append(each)
    if part:
        yield part


@dataclass
class Folder:
    """A session, and the chunks of its tracks that are to be listed."""

    session: Session
    is_intact: bool = True

    @property
    def listed(self) -> list[tuple[int, int]]:
        """Track and number of each chunk."""
        return [
            (i, k) for i, track in enumerate(self.session.tracks) for k in range(len(track.chunks))
        ]

    def chunk(self, place: tuple[int, int]) -> Chunk:
        """One chunk as the manifest has it."""
        return self.session.tracks[place[0]].chunks[place[1]]

    def relist(self, track: int, chunks: Sequence[Chunk]) -> None:
        """Change the list of a track."""
        captured = self.session.tracks[track]
        self.session.tracks[track] = CapturedTrack(track=captured.track, chunks=tuple(chunks))


def capture(
    session: Session, datagrams: Sequence[Datagram], chunk_us: int, **track: object
) -> None:
    """Add a track of packets that came at any time."""
    captured = session.capture(**track, datagrams=())  # type: ignore[arg-type]
    chunks = [
        session._chunk(captured.track.track_id, number, part)  # its own way to write
        for number, part in enumerate(parts(datagrams, chunk_us))
    ]
    session.tracks[-1] = CapturedTrack(track=captured.track, chunks=tuple(chunks))


def damage(folder: Folder, choices: Choices) -> None:
    """Some edits of chunks and of what the manifest says of them."""
    for _ in range(choices.number(1) % (MAX_EDITS + 1)):
        raw = choices.take(EDIT.size).ljust(EDIT.size, b"\0")
        kind, which, at, value, choice = EDIT.unpack(raw)
        places = folder.listed
        if not places:
            break
        folder.is_intact = False
        _KINDS[kind % len(_KINDS)](folder, places[which % len(places)], (at, value, choice))


Numbers = tuple[int, int, int]


def _edit_body(folder: Folder, place: tuple[int, int], change: Callable[[bytearray], None]) -> None:
    key = folder.chunk(place).key
    body = bytearray(folder.session.store.objects.get(key, b""))
    if body:
        change(body)
        folder.session.store.put(key, bytes(body))


def _flip(folder: Folder, place: tuple[int, int], numbers: Numbers) -> None:
    def change(body: bytearray) -> None:
        body[numbers[0] % len(body)] ^= 1 << numbers[2] % 8

    _edit_body(folder, place, change)


def _truncate(folder: Folder, place: tuple[int, int], numbers: Numbers) -> None:
    def change(body: bytearray) -> None:
        del body[numbers[0] % len(body) :]

    _edit_body(folder, place, change)


def _falsify(folder: Folder, place: tuple[int, int], numbers: Numbers) -> None:
    """A trailer that lies, and whose CRC is right."""

    def change(body: bytearray) -> None:
        begin = max(body.rfind(b"ISOT"), 0)
        at = begin + numbers[0] % (len(body) - begin)
        body[at : at + 4] = (numbers[1] % (1 << 32)).to_bytes(4, "big")[: len(body) - at]
        fix_trailer(body)

    _edit_body(folder, place, change)


def _lose(folder: Folder, place: tuple[int, int], _: Numbers) -> None:
    folder.session.store.objects.pop(folder.chunk(place).key, None)


def _swap(folder: Folder, place: tuple[int, int], numbers: Numbers) -> None:
    """Two chunks, each under the other's name."""
    other = folder.listed[numbers[0] % len(folder.listed)]
    objects = folder.session.store.objects
    first, second = folder.chunk(place).key, folder.chunk(other).key
    if first in objects and second in objects:
        objects[first], objects[second] = objects[second], objects[first]


def _lie(folder: Folder, place: tuple[int, int], numbers: Numbers) -> None:
    """What the manifest says of a chunk is wrong."""
    names = ("size_bytes", "packets", "crc32c", "first_arrival_us", "last_arrival_us")
    name = names[numbers[2] % len(names)]
    value = numbers[1] if name.endswith("us") else abs(numbers[1]) % (1 << 32)
    chunks = list(folder.session.tracks[place[0]].chunks)
    chunks[place[1]] = replace(chunks[place[1]], **{name: value})
    folder.relist(place[0], chunks)


def _reorder(folder: Folder, place: tuple[int, int], numbers: Numbers) -> None:
    """Chunks listed twice, or in another order."""
    chunks = list(folder.session.tracks[place[0]].chunks)
    moved = chunks[place[1]]
    if numbers[2] & 1:
        chunks.remove(moved)
    chunks.insert(numbers[0] % (len(chunks) + 1), moved)
    folder.relist(place[0], chunks)


_KINDS: tuple[Callable[[Folder, tuple[int, int], Numbers], None], ...] = (
    _flip,
    _truncate,
    _falsify,
    _lose,
    _swap,
    _lie,
    _reorder,
)
NAMES = tuple(each.__name__.removeprefix("_") for each in _KINDS)
