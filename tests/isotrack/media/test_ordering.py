from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from isotrack.media.carrying import join, trim
from isotrack.media.ordering import OrderingBuffer
from isotrack.media.streams import StreamPackets, StreamSplitter
from isotrack.rtp.dump import read_dump
from isotrack.rtp.packet import Packets, read_packets
from tests.sessions import START_US, Datagram, dump, rtp


def packets(datagrams: Sequence[Datagram]) -> Packets:
    found, malformed = read_packets(read_dump(dump(datagrams)))
    assert malformed == 0
    return found


def arrivals(*sequences: int, at_ms: int = 0, payload: bytes = b"x") -> list[Datagram]:
    """Packets a millisecond apart, each a unit of its own."""
    return [
        rtp(s, 100 * s, payload + bytes([s % 256]), arrival_us=START_US + (at_ms + i) * 1000)
        for i, s in enumerate(sequences)
    ]


class Run:
    """An ordering buffer fed as a reader feeds it."""

    def __init__(self) -> None:
        self.splitter = StreamSplitter(96, 90_000, None)
        self.ordering = OrderingBuffer()
        self.sequence: list[int] = []
        self.lost: list[int] = [0]

    def push(self, datagrams: Sequence[Datagram]) -> None:
        for arrived in self.splitter.split(packets(datagrams)):
            self._keep(self.ordering.push(arrived))

    def finish(self) -> Run:
        ordered = self.ordering.finish()
        if ordered is not None:
            self._keep(ordered)
        return self

    def _keep(self, ordered) -> None:  # type: ignore[no-untyped-def]
        self.sequence += (ordered.sequence - 2**16).tolist()
        assert self.lost[-1] == ordered.lost_before[0] or len(self.sequence) == len(
            ordered.sequence
        )
        self.lost[-1:] = ordered.lost_before.tolist()


def test_packets_are_let_go_once_nothing_earlier_can_come_in_time() -> None:
    run = Run()
    run.push(arrivals(10, 12, 11))

    assert run.sequence == []

    run.push(arrivals(13, at_ms=2001))

    assert run.sequence == [10, 11, 12]

    assert run.finish().sequence == [10, 11, 12, 13]


def test_loss_is_told_before_each_packet_and_behind_the_last() -> None:
    run = Run()
    run.push(arrivals(10, 11, 14))
    run.push(arrivals(15, 18, at_ms=3000))

    assert run.sequence == [10, 11, 14]
    assert run.lost == [0, 0, 2, 0]

    run.finish()

    assert run.sequence == [10, 11, 14, 15, 18]
    assert run.lost == [0, 0, 2, 0, 2, 0]
    assert run.ordering.lost == 4
    assert run.ordering.received == 5


def test_a_unit_is_never_let_go_in_parts() -> None:
    run = Run()
    unit = [rtp(i, 900, b"x", arrival_us=START_US + 1000 * i) for i in range(5)]
    run.push(unit[:3])
    run.push([rtp(5, 1900, b"x", arrival_us=START_US + 2_001_500), unit[3], unit[4]])

    assert run.sequence == []

    run.push([rtp(6, 2900, b"x", arrival_us=START_US + 4_100_000)])

    assert run.sequence == [0, 1, 2, 3, 4, 5]


def test_the_first_of_two_different_packets_of_one_number_is_kept() -> None:
    run = Run()
    ordered = run.ordering
    (arrived,) = run.splitter.split(
        packets([*arrivals(1, payload=b"first"), *arrivals(1, at_ms=5, payload=b"second")])
    )
    assert ordered.push(arrived).packets.count == 0

    kept = ordered.finish()

    assert kept is not None
    at = kept.packets.payload_offset[0]
    assert kept.packets.buffer[at : at + 5].tobytes() == b"first"
    assert ordered.duplicates == 1


def test_a_stream_that_is_silent_for_long_is_let_go_while_others_go_on() -> None:
    run = Run()
    run.push(arrivals(1, 2))

    assert run.ordering.finish(START_US + 1_000_000) is None

    ended = run.ordering.finish(START_US + 2_002_000)
    assert ended is not None
    assert len(ended.sequence) == 2
    assert run.ordering.finish(START_US + 9_000_000) is None


def test_packets_that_wait_do_not_keep_their_whole_chunk() -> None:
    run = Run()
    run.push([rtp(i, 100 * i, bytes(1000), arrival_us=START_US + 20_000 * i) for i in range(5000)])

    held = run.ordering._held

    assert held is not None
    assert held.packets.count == 100
    assert len(held.packets.buffer) < 110_000


@pytest.mark.parametrize("count", [1, 40])
def test_packets_carried_over_keep_their_bytes_and_the_room_before_them(count: int) -> None:
    old = packets(arrivals(*range(count), payload=b"old"))
    new = packets(arrivals(*range(count, count + 5), payload=b"new"))

    both = join(trim(old), new)

    found = [
        both.buffer[a : a + n].tobytes()
        for a, n in zip(both.payload_offset, both.payload_length, strict=True)
    ]
    assert found == [(b"old" if i < count else b"new") + bytes([i]) for i in range(count + 5)]
    assert int(both.payload_offset.min()) >= 20
    assert isinstance(both.sequence_number[0], np.uint16)


def test_a_splitter_gives_each_stream_once_in_the_order_they_began() -> None:
    splitter = StreamSplitter(96, 90_000, None)
    mixed = [
        rtp(i, 100 * i, b"x", arrival_us=START_US + i, ssrc=7 if i % 2 else 8) for i in range(10)
    ]

    first = splitter.split(packets(mixed))
    second = splitter.split(packets(mixed[1:]))

    assert [type(run) for run in first] == [StreamPackets, StreamPackets]
    assert [run.stream for run in first] == [0, 1]
    assert [run.stream for run in second] == [0, 1]
    assert [run.packets.ssrc[0] for run in second] == [8, 7]
