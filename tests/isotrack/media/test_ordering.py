from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isotrack.codecs import h264_pictures
from isotrack.media.ordering import MAX_HELD, Ordered, OrderingBuffer, Pictures
from isotrack.media.streams import StreamPackets, StreamSplitter
from isotrack.rtp.dump import read_dump
from isotrack.rtp.packet import Packets, read_packets
from tests.sessions import START_US, Datagram, delayed, dump, rtp

MINUTE_MS = 60_000


def packets(datagrams: Sequence[Datagram]) -> Packets:
    found, malformed = read_packets(read_dump(dump(datagrams)))
    assert malformed == 0
    return found


def arrivals(*sequences: int, at_ms: int = 0, payload: bytes = b"x") -> list[Datagram]:
    """Packets a millisecond apart, each a unit of its own; without payload they are padding."""
    return [
        rtp(s, 100 * s, payload and payload + bytes([s % 256]), arrival_us=START_US + 1000 * at)
        for at, s in enumerate(sequences, start=at_ms)
    ]


class Run:
    """An ordering buffer fed as a reader feeds it."""

    def __init__(self, pictures: Pictures | None = None) -> None:
        self.splitter = StreamSplitter((96,), 90_000)
        self.ordering = OrderingBuffer(pictures)
        self.sequence: list[int] = []
        self.lost: list[int] = [0]
        self.payloads: list[bytes] = []

    def push(self, datagrams: Sequence[Datagram]) -> Run:
        for arrived in self.splitter.split(packets(datagrams)):
            self._keep(self.ordering.push(arrived))
        return self

    def finish(self) -> Run:
        ordered = self.ordering.finish()
        if ordered is not None:
            self._keep(ordered)
        return self

    def _keep(self, ordered: Ordered) -> None:
        count = len(ordered.sequence)
        assert len(ordered.lost_before) == count + 1
        assert self.lost[-1] == ordered.lost_before[0] or not self.sequence or not count
        self.sequence += (ordered.sequence - 2**16).tolist()
        self.lost[-1:] = ordered.lost_before.tolist()
        rows = zip(ordered.packets.payload_offset, ordered.packets.payload_length, strict=True)
        self.payloads += [ordered.packets.buffer[at : at + size].tobytes() for at, size in rows]


def ordered(datagrams: Sequence[Datagram], size: int = 10**6) -> Run:
    """All of them, in chunks of so many."""
    run = Run()
    for at in range(0, len(datagrams), size):
        run.push(datagrams[at : at + size])
    return run.finish()


def begun(*sequences: int) -> Run:
    """A run that has gone on for a minute, up to packet 9."""
    run = Run().push(arrivals(*range(10), at_ms=-MINUTE_MS))
    return run.push(arrivals(*sequences)) if sequences else run


def test_packets_without_a_gap_go_at_once_but_for_the_last_unit() -> None:
    run = begun(10, 11, 12)

    assert run.sequence == [*range(12)]
    assert run.finish().sequence == [*range(13)]


def test_packets_behind_a_gap_wait_until_nothing_can_fill_it_in_time() -> None:
    run = begun(10, 11, 13, 14)

    assert run.sequence == [*range(11)]
    assert run.push(arrivals(15, at_ms=1999)).sequence == [*range(11)]
    assert run.push(arrivals(16, at_ms=2003)).sequence == [*range(12), 13, 14, 15]
    assert run.ordering.lost == 1


def test_a_gap_that_is_filled_holds_nothing_up() -> None:
    run = begun(10, 11, 13, 14).push(arrivals(12, 15, at_ms=100))

    assert run.sequence == [*range(15)]
    assert run.ordering.lost == 0


def test_the_first_packets_of_all_wait_for_what_they_overtook() -> None:
    """Edge case 40: also where a chunk ends between them."""
    run = Run().push(arrivals(2, 1)).push(arrivals(0, -1, at_ms=5)).push(arrivals(3, at_ms=2100))

    assert run.sequence == [-1, 0, 1, 2]
    assert run.ordering.late == run.ordering.duplicates == run.ordering.lost == 0


@pytest.mark.parametrize("size", [1, 2, 100])
def test_a_stream_that_begins_with_0_and_goes_back_before_the_wrap(size: int) -> None:
    """Edge case 40: no number is negative."""
    run = ordered(arrivals(2**16, 2**16 - 1, 2**16 + 1, 2**16 - 2), size)

    assert run.sequence == [-2, -1, 0, 1]  # counted from 0 in the second round
    assert run.ordering.late == run.ordering.duplicates == 0


@pytest.mark.parametrize("size", [1, 3, 100])
def test_numbers_wrap_inside_a_unit_and_between_units(size: int) -> None:
    """Edge case 39."""
    sent = [
        rtp(s, 3000 * (s // 3), bytes([s % 256]), arrival_us=START_US + 1000 * i)
        for i, s in enumerate(range(65_530, 65_550))
    ]

    run = ordered(sent, size)

    assert run.sequence == [*range(65_530, 65_550)]
    assert run.lost == [0] * 21


def test_a_packet_of_before_the_wrap_that_comes_after_it_is_put_in_its_place() -> None:
    """Edge case 41."""
    run = ordered(arrivals(65_533, 65_534, 65_536, 65_537, 65_535, 65_538), 2)

    assert run.sequence == [*range(65_533, 65_539)]


def test_numbers_go_on_over_several_wraps() -> None:
    """Edge case 42."""
    every = [*range(60_000, 60_000 + 200_000)]
    run = Run()
    for at in range(0, len(every), 8000):
        run.push(arrivals(*every[at : at + 8000], at_ms=at))

    assert run.finish().sequence == every
    assert run.ordering.received == 200_000
    assert run.ordering.lost == 0


@pytest.mark.parametrize("size", [1, 3, 100])
def test_copies_are_used_once(size: int) -> None:
    """Edge case 43 and edge case 45: also of what has been let go for long."""
    sent = arrivals(*range(20))
    late = [delayed(each, 5_000_000) for each in sent[5:8]]

    run = ordered([*sent[:10], sent[9], *sent[8:20], *late, *arrivals(20, at_ms=6000)], size)

    assert run.sequence == [*range(21)]
    assert (run.ordering.duplicates, run.ordering.received) == (6, 21)
    assert run.ordering.late == 0


@pytest.mark.parametrize("size", [1, 2])
def test_the_first_of_two_different_packets_of_one_number_is_kept(size: int) -> None:
    """Edge case 44: a decision, for the second may be anything."""
    sent = [*arrivals(1, payload=b"first"), *arrivals(1, at_ms=5, payload=b"second")]

    run = ordered(sent, size)

    assert run.payloads == [b"first\x01"]
    assert run.ordering.duplicates == 1


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 900), min_size=60, max_size=60),
    st.sets(st.integers(0, 59), max_size=20),
    st.integers(1, 60),
)
def test_whatever_the_order_of_arrival_the_output_is_in_order(
    delays_ms: list[int], lost: set[int], size: int
) -> None:
    """Edge case 46 and edge case 57: what is lost is what never came, however it is chunked."""
    sent = arrivals(*range(60))
    came = [delayed(sent[i], 1000 * delays_ms[i]) for i in range(60) if i not in lost]

    run = ordered(sorted(came), size)

    numbers = sorted(set(range(60)) - lost)
    assert run.sequence == numbers
    assert run.ordering.lost == numbers[-1] - numbers[0] + 1 - len(numbers)
    gaps = [b - a - 1 for a, b in pairwise(numbers)]
    assert run.lost == [0, *gaps, 0]


def test_loss_is_told_before_each_packet_and_behind_the_last() -> None:
    run = Run().push(arrivals(10, 11, 14)).push(arrivals(15, 18, at_ms=3000))

    assert run.sequence == [10, 11, 14]
    assert run.lost == [0, 0, 2, 0]

    run.push(arrivals(19, at_ms=6000))

    assert run.sequence == [10, 11, 14, 15, 18]
    assert run.lost == [0, 0, 2, 0, 2, 0]
    assert run.ordering.lost == 4
    assert run.finish().ordering.received == 6


def test_what_is_missing_before_the_first_or_behind_the_last_is_no_loss() -> None:
    """Edge case 54."""
    run = ordered(arrivals(100, 101, 102))

    assert run.lost == [0] * 4
    assert run.ordering.lost == 0


def test_every_second_packet_lost() -> None:
    """Edge case 53: what is left is never next to what it is not next to."""
    run = ordered(arrivals(*range(0, 100, 2)), 7)

    assert run.lost == [0, *[1] * 49, 0]
    assert run.ordering.lost == 49


@pytest.mark.parametrize("size", [1, 2, 100])
def test_padding_fills_the_numbering_and_is_not_played(size: int) -> None:
    """Edge case 57 and edge case 69."""
    sent = [*arrivals(0, 1), *arrivals(2, 3, payload=b"", at_ms=2), *arrivals(4, at_ms=4)]

    run = ordered(sent, size)

    assert run.sequence == [0, 1, 4]
    assert run.lost == [0] * 4
    assert (run.ordering.lost, run.ordering.received) == (0, 5)


@pytest.mark.parametrize("size", [1, 2, 100])
def test_loss_before_padding_counts_for_what_follows_it(size: int) -> None:
    padded = [*arrivals(0, 1), *arrivals(3, 4, payload=b"", at_ms=5000)]
    sent = [*padded, *arrivals(5, at_ms=5010), *arrivals(7, payload=b"", at_ms=5020)]

    run = ordered([*sent, *arrivals(8, at_ms=9000)], size)

    assert run.sequence == [0, 1, 5, 8]
    assert run.lost == [0, 0, 1, 1, 0]
    assert run.ordering.lost == 2


def test_a_unit_is_never_let_go_in_parts() -> None:
    run = begun()
    unit = [rtp(10 + i, 5000, b"x", arrival_us=START_US + 1000 * i) for i in range(5)]
    run.push(unit[:3])

    assert run.sequence == [*range(10)]

    run.push([rtp(15, 6000, b"x", arrival_us=START_US + 2_001_500), unit[3], unit[4]])

    assert run.sequence == [*range(15)]


def test_what_holds_no_picture_stays_with_the_one_that_follows() -> None:
    run = Run(h264_pictures.carries_picture)
    delta, sps = b"\x41\x9a\x00", b"\x67\x42\xc0"
    run.push([rtp(0, 0, delta, arrival_us=START_US - 10**8)])
    payloads = [delta, delta, sps, sps]
    sent = [rtp(1 + i, 100 + i, p, arrival_us=START_US + i) for i, p in enumerate(payloads)]

    assert run.push(sent).sequence == [0, 1, 2]
    assert run.push([rtp(5, 900, delta, arrival_us=START_US + 9)]).sequence == [0, 1, 2]
    assert run.push([rtp(6, 999, delta, arrival_us=START_US + 99)]).sequence == [*range(6)]


def test_a_stream_that_is_silent_for_long_is_let_go_while_others_go_on() -> None:
    run = Run().push(arrivals(1, 2))

    assert run.ordering.finish(START_US + 1_000_000) is None

    ended = run.ordering.finish(START_US + 2_002_000)
    assert ended is not None
    assert len(ended.sequence) == 2
    assert run.ordering.finish(START_US + 9_000_000) is None


def test_packets_that_wait_do_not_keep_their_whole_chunk() -> None:
    """Edge case 220: what is held is what came behind the gap, and no more bytes than its own."""
    run = begun()
    sent = [rtp(10 + i, 100 * i, bytes(1000), arrival_us=START_US + 2000 * i) for i in range(5000)]
    run.push([each for i, each in enumerate(sent) if i != 4900])

    held = run.ordering._held

    assert held is not None
    assert held.packets.count == 100
    assert len(held.packets.buffer) < 110_000


@pytest.mark.parametrize("pictures", [None, h264_pictures.carries_picture])
@pytest.mark.parametrize("ticks", [0, 1])
def test_no_more_than_so_many_packets_wait_whatever_their_arrival_says(
    pictures: Pictures | None, ticks: int
) -> None:
    """Edge case 220: a gap, no picture or no end of a unit, and a clock that stands still."""
    run = Run(pictures)
    held = 0
    for first in range(0, 3 * MAX_HELD, 8192):
        numbers = range(2 * first, 2 * (first + 8192), 2)
        run.push([rtp(n, ticks * n, b"\x67x", arrival_us=START_US) for n in numbers])
        waiting = run.ordering._held
        held = max(held, 0 if waiting is None else waiting.packets.count)

    assert held <= MAX_HELD + 8192
    assert len(run.finish().sequence) == 3 * MAX_HELD


def restored(number: int, *, at_ms: int = 0) -> StreamPackets:
    """A packet that repair brought, as a splitter gives it."""
    (run,) = StreamSplitter((96,), 90_000).split(packets(arrivals(number, at_ms=at_ms)))
    return run._replace(packets=run.packets._replace(restored=np.ones(1, np.bool_)))


def test_restored_packets_fill_gaps_and_are_counted() -> None:
    run = begun(10, 12, 13)

    run._keep(run.ordering.push(restored(11, at_ms=9)))

    assert run.sequence == [*range(13)]
    assert (run.ordering.restored, run.ordering.lost) == (1, 0)


def test_what_came_itself_goes_before_what_was_restored() -> None:
    run = begun(10, 12, 13)
    (came,) = run.splitter.split(packets(arrivals(11, payload=b"itself", at_ms=8)))
    both = restored(11, at_ms=9)
    run._keep(run.ordering.push(came))
    run._keep(run.ordering.push(both))

    assert run.payloads[11] == b"itself\x0b"
    assert run.ordering.restored == 0
    assert run.ordering.duplicates == 1


def test_redundant_copies_of_nothing_that_is_missing_leave_nothing() -> None:
    buffer = OrderingBuffer(copies=True)

    found = buffer.push(restored(5))

    assert found.packets.count == 0
    assert buffer.finish() is None
    assert buffer.received == 0
