"""RTP and RTCP that came over TCP (RFC 4571, ICE-TCP of RFC 6544): segments made a stream again."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

MAX_STREAMS = 256
MAX_WAITING = 256
"""Segments that wait for one before them; beyond it, that one is a loss."""

_FIN_RST = 0x05
_SYN = 0x02
_FIRST_BYTES = (*range(4), *range(20, 64), *range(128, 192))
"""How STUN, DTLS, RTP and RTCP begin (RFC 7983 section 7)."""


class Segment(NamedTuple):
    """A TCP segment."""

    sequence: int
    flags: int
    body: bytes

    @classmethod
    def read(cls, packet: bytes) -> Segment:
        """The segment of a TCP packet of at least 20 bytes (RFC 9293 section 3.1)."""
        sequence, offset, flags = struct.unpack_from(">IxxxxBB", packet, 4)
        return cls(sequence, flags, packet[max(offset >> 4, 5) * 4 :])


class _Stream:
    """One direction of a connection."""

    def __init__(self) -> None:
        self.next: int | None = None
        self.waiting: dict[int, bytes] = {}
        self.rest = b""
        self.framed: bool | None = None
        """Whether it looks like RFC 4571; None before any byte of it."""

    def accept(self, segment: Segment, skipped: Counter[str]) -> None:
        """Append what of a segment is new and in order."""
        start = segment.sequence + bool(segment.flags & _SYN)
        if self.next is None or segment.flags & _SYN:
            self.next, self.rest, self.waiting = start & 0xFFFFFFFF, b"", {}
        if segment.body:
            self.waiting.setdefault(start & 0xFFFFFFFF, segment.body)
        if len(self.waiting) > MAX_WAITING:
            skipped["tcp_lost"] += 1  # framing is lost with it: begin again at the next segment
            self.next = min(self.waiting, key=lambda s: (s - (self.next or 0)) & 0xFFFFFFFF)
            self.rest, self.framed = b"", None
        self._append()

    def _append(self) -> None:
        while self.waiting:
            assert self.next is not None
            ahead = {s: _ahead(s, self.next) for s in self.waiting}
            first = min(ahead, key=lambda s: ahead[s])
            if ahead[first] > 0:
                return
            fresh = self.waiting.pop(first)[-ahead[first] :]
            self.rest += fresh
            self.next = (self.next + len(fresh)) & 0xFFFFFFFF


def _ahead(sequence: int, place: int) -> int:
    """How far a sequence number is ahead of a place, negative if behind (RFC 9293 section 3.4)."""
    return ((sequence - place + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)


class TcpStreams:
    """Finds framed packets in TCP segments; connections of anything else are passed over."""

    def __init__(self, skipped: Counter[str]) -> None:
        self._skipped = skipped
        self._streams: dict[bytes, _Stream] = {}

    def push(self, key: bytes, segment: Segment) -> Iterator[bytes]:
        """The packets that are whole with this segment of a connection's direction."""
        stream = self._streams.get(key)
        if stream is None:
            if len(self._streams) == MAX_STREAMS:
                del self._streams[next(iter(self._streams))]
            stream = self._streams[key] = _Stream()
        if stream.framed is False and not segment.flags & _SYN:
            self._skipped["other_transport"] += bool(segment.body)
            return
        stream.accept(segment, self._skipped)
        yield from self._packets(stream)
        if segment.flags & _FIN_RST:
            self._streams.pop(key, None)

    def _packets(self, stream: _Stream) -> Iterator[bytes]:
        at = 0
        data = stream.rest
        while at + 3 <= len(data):
            size = int.from_bytes(data[at : at + 2], "big")
            if size < 4 or data[at + 2] not in _FIRST_BYTES:
                stream.framed, stream.rest = False, b""
                self._skipped["other_transport"] += 1
                return
            stream.framed = True
            if at + 2 + size > len(data):
                break
            yield data[at + 2 : at + 2 + size]
            at += 2 + size
        stream.rest = data[at:]
