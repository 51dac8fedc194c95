from __future__ import annotations

import numpy as np
import pytest

from isotrack.media.carrying import HEADROOM, join, trim
from isotrack.rtp.extensions import element
from isotrack.rtp.header import write_header
from isotrack.rtp.packet import Packets
from tests.packets import packets_of, write_records
from tests.sessions import headers


def datagrams(*payloads: bytes) -> list[bytes]:
    """Packets with a header extension that tells the same as their payload."""
    return [
        write_header(96, n, 100 * n, 7, False, {3: payload[:16]}) + payload
        for n, payload in enumerate(payloads)
    ]


def payloads_of(packets: Packets) -> list[bytes]:
    rows = zip(packets.payload_offset, packets.payload_length, strict=True)
    return [packets.buffer[at : at + size].tobytes() for at, size in rows]


def extensions_of(packets: Packets) -> list[bytes]:
    rows = zip(*element(packets, 3), strict=True)
    return [packets.buffer[at : at + size].tobytes() for at, size in rows]


def named(prefix: bytes, count: int) -> list[bytes]:
    return [prefix + bytes([n]) for n in range(count)]


@pytest.mark.parametrize("count", [1, 40])
@pytest.mark.parametrize("room", [0, 10, 5000])
def test_packets_carried_over_keep_all_that_they_were(count: int, room: int) -> None:
    old = packets_of(datagrams(*named(b"old", count)))
    new = packets_of(datagrams(*named(b"new", 5)))
    free = np.concatenate((np.full(room, 0xAA, np.uint8), new.buffer))
    new = new._replace(
        buffer=free,
        packet_offset=new.packet_offset + room,
        payload_offset=new.payload_offset + room,
    )

    both = join(trim(old), new, room)

    assert payloads_of(both) == extensions_of(both) == named(b"old", count) + named(b"new", 5)
    assert both.sequence_number.tolist() == [*range(count), *range(5)]
    assert both.sequence_number.dtype == np.uint16
    assert int(both.payload_offset.min()) >= HEADROOM


def test_packets_that_fit_in_the_room_before_the_others_do_not_move_them() -> None:
    old = trim(packets_of(datagrams(b"old")))
    new = packets_of(datagrams(b"new"))
    room = len(old.buffer)
    new = new._replace(
        buffer=np.concatenate((np.zeros(room, np.uint8), new.buffer)),
        packet_offset=new.packet_offset + room,
        payload_offset=new.payload_offset + room,
    )

    assert join(old, new, room).buffer is new.buffer
    assert join(old, new, room - 1).buffer is not new.buffer


def test_what_waits_keeps_its_part_of_the_buffer_and_no_more() -> None:
    every = packets_of(datagrams(*[bytes([n]) * 1000 for n in range(100)]))

    kept = trim(every.take(slice(98, 100)))

    assert payloads_of(kept) == [bytes([n]) * 1000 for n in (98, 99)]
    assert len(kept.buffer) < 2 * 1100
    assert int(kept.payload_offset[0]) >= HEADROOM
    assert not np.shares_memory(kept.buffer, every.buffer)


def test_a_buffer_that_begins_with_its_first_packet_gets_room_before_it() -> None:
    first = packets_of(datagrams(b"a", b"b"))
    at = int(first.packet_offset[0])
    bare = first._replace(
        buffer=first.buffer[at:],
        packet_offset=first.packet_offset - at,
        payload_offset=first.payload_offset - at,
    )

    kept = trim(bare)

    assert payloads_of(kept) == extensions_of(kept) == [b"a", b"b"]
    assert int(kept.payload_offset[0]) >= HEADROOM


def test_headers_without_their_packets_are_carried_over_too() -> None:
    """The trailers of chunks give them: there is nothing in the buffer then."""
    one, two = (headers(n, bytes(write_records(datagrams(b"x")))).packets for n in range(2))
    assert one.buffer.size == 0

    both = join(trim(one), two)

    assert both.sequence_number.tolist() == [0, 0]
    assert both.payload_length.tolist() == [1, 1]
    assert trim(both).count == 2
