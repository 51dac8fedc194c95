"""Which packets a track keeps, and which of its streams they go to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from isotrack.media.streams import (
    MAX_BEGUN,
    MAX_STREAMS,
    KnownStream,
    StreamPackets,
    StreamSplitter,
)
from isotrack.rtp.dump import read_dump
from isotrack.rtp.packet import Packets, read_packets
from isotrack.rtp.rtcp import SenderReport
from tests.sessions import START_US, Datagram, dump, rtp


def packets(datagrams: Sequence[Datagram]) -> Packets:
    return read_packets(read_dump(dump(datagrams)))[0]


def sent(
    count: int, *, first: int = 100, ssrc: int = 7, payload_type: int = 96, at_ms: int = 0
) -> list[Datagram]:
    """Packets of a stream, 30 a second."""
    return [
        rtp(
            first + i,
            3000 * (first + i),
            b"x",
            arrival_us=START_US + 1000 * at_ms + 33_333 * i,
            ssrc=ssrc,
            payload_type=payload_type,
        )
        for i in range(count)
    ]


def numbers(found: Sequence[StreamPackets]) -> dict[int, list[int]]:
    return {run.stream: run.packets.sequence_number.tolist() for run in found}


def test_each_stream_is_given_once_in_the_order_they_began() -> None:
    splitter = StreamSplitter((96,), 90_000)
    mixed = sorted([*sent(5, ssrc=8), *sent(5, ssrc=7, at_ms=1)])

    first, second = splitter.split(packets(mixed)), splitter.split(packets(mixed[1:]))

    assert [run.stream for run in first] == [run.stream for run in second] == [0, 1]
    assert [int(run.packets.ssrc[0]) for run in second] == [8, 7]


def test_two_ssrcs_on_one_port_never_mix() -> None:
    """Edge case 11: each has its own numbering and its own clock."""
    splitter = StreamSplitter((96,), 90_000)
    mixed = sorted([*sent(20, ssrc=7), *sent(20, ssrc=8, first=40_000, at_ms=3)])

    found = splitter.split(packets(mixed))

    assert numbers(found) == {0: [*range(100, 120)], 1: [*range(40_000, 40_020)]}
    assert splitter.wild == splitter.foreign == 0


def test_an_ssrc_that_never_sends_the_payload_types_is_foreign() -> None:
    """Edge case 11 and edge case 14: another codec on the same port, and one nobody knows."""
    splitter = StreamSplitter((96,), 90_000)
    others = [*sent(4, ssrc=8, payload_type=127), *sent(3, ssrc=9, payload_type=50)]

    assert numbers(splitter.split(packets(sorted([*sent(5), *others])))) == {0: [*range(100, 105)]}
    assert splitter.split(packets(others[:4])) == []
    assert splitter.foreign == 11


def test_unknown_payload_types_between_are_no_loss() -> None:
    """Edge case 14: their numbers were used, and they have nothing to play."""
    splitter = StreamSplitter((96,), 90_000)
    mixed = [
        *sent(3),
        *sent(2, first=103, payload_type=50, at_ms=100),
        *sent(3, first=105, at_ms=170),
    ]

    (run,) = splitter.split(packets(mixed))

    assert run.packets.sequence_number.tolist() == [*range(100, 108)]
    assert run.packets.payload_length.tolist() == [1, 1, 1, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("size", [1, 4, 100])
def test_a_change_to_another_codec_ends_what_is_played(size: int) -> None:
    """Edge case 13: no byte of the other codec is in the track."""
    splitter = StreamSplitter((9,), 8000)
    mixed = [
        *sent(10, payload_type=9),
        *sent(10, first=110, payload_type=18, at_ms=333),
    ]

    filled = 0
    for at in range(0, 20, size):
        for run in splitter.split(packets(mixed[at : at + size])):
            kept = run.packets.payload_length > 0
            assert (run.packets.payload_type[kept] == 9).all()
            filled += int(kept.sum())

    assert filled == 10


def test_several_payload_types_of_one_track_are_one_stream() -> None:
    splitter = StreamSplitter((111, 63), 48_000)
    mixed = [
        *sent(3, payload_type=111),
        *sent(3, first=103, payload_type=63, at_ms=100),
        *sent(3, first=106, payload_type=111, at_ms=200),
    ]

    (run,) = splitter.split(packets(mixed))

    assert run.packets.payload_length.tolist() == [1] * 9


def test_only_the_ssrcs_announced_are_kept() -> None:
    splitter = StreamSplitter((96,), 90_000, (7, 9))
    mixed = sorted([*sent(3), *sent(3, ssrc=8, at_ms=1), *sent(3, ssrc=9, at_ms=2)])

    found = splitter.split(packets(mixed))

    assert [int(run.packets.ssrc[0]) for run in found] == [7, 9]
    assert splitter.split(packets(sent(2, ssrc=8))) == []
    assert splitter.foreign == 5


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_new_ssrc_in_mid_stream_begins_a_stream(size: int) -> None:
    """Edge case 21: with numbering and clock of its own; which file it goes on in, lanes decide."""
    splitter = StreamSplitter((96,), 90_000)
    mixed = [*sent(30), *sent(30, ssrc=99, first=5, at_ms=1000)]

    found: dict[int, list[int]] = {}
    for at in range(0, 60, size):
        for run in splitter.split(packets(mixed[at : at + size])):
            found.setdefault(run.stream, []).extend(run.sequence.tolist())

    assert found == {0: [2**16 + n for n in range(100, 130)], 1: [2**16 + n for n in range(5, 35)]}


def test_a_burst_that_is_all_but_lost_leaves_the_time_line_right() -> None:
    """Edge case 52: 1134 packets of 1259 are lost."""
    splitter = StreamSplitter((96,), 90_000)
    kept = [each for i, each in enumerate(sent(1259)) if i % 100 < 10][:125]

    (run,) = splitter.split(packets(kept))

    assert splitter.wild == 0
    assert (run.timestamp == 2**32 + 3000 * (run.sequence - 2**16)).all()
    assert run.packets.count == 125


def test_nothing_at_all_has_no_streams() -> None:
    """Edge case 56: a track of which only RTCP came."""
    splitter = StreamSplitter((96,), 90_000)

    assert splitter.split(packets([])) == []
    assert splitter.report(SenderReport(7, 1 << 40, 0, 1, 1)) is None


def with_restored(datagrams: Sequence[Datagram], *rows: int) -> Packets:
    """These packets, those of some rows brought by repair."""
    found = packets(datagrams)
    return found._replace(restored=np.isin(np.arange(found.count), rows))


def test_restored_packets_join_the_stream_they_fit() -> None:
    splitter = StreamSplitter((96,), 90_000)
    every = sent(10)
    splitter.split(packets(every[:5]))

    (run,) = splitter.split(with_restored([*every[6:], every[5]], 4))

    assert run.packets.sequence_number.tolist() == [*range(106, 110), 105]
    assert (run.sequence - 2**16).tolist() == [*range(106, 110), 105]
    assert (run.timestamp - 2**32).tolist() == [3000 * n for n in [*range(106, 110), 105]]
    assert run.packets.restored.tolist() == [False] * 4 + [True]


def test_restored_packets_alone_never_begin_a_stream() -> None:
    splitter = StreamSplitter((96,), 90_000)

    assert splitter.split(with_restored(sent(3), 0, 1, 2)) == []

    splitter.split(packets(sent(3)))
    (run,) = splitter.split(with_restored(sent(2, first=103, at_ms=100), 0, 1))
    assert run.stream == 0
    assert run.packets.restored.all()


def test_a_restored_packet_of_another_time_is_left_out_and_moves_nothing() -> None:
    """Edge case 165: repair may bring a timestamp far in the future."""
    splitter = StreamSplitter((96,), 90_000)
    splitter.split(packets(sent(5)))
    wild = rtp(105, 2_000_000_000, b"x", arrival_us=START_US + 200_000, ssrc=7)

    assert splitter.split(with_restored([wild], 0)) == []
    (run,) = splitter.split(packets(sent(5, first=105, at_ms=170)))
    assert (run.timestamp - 2**32).tolist() == [3000 * n for n in range(105, 110)]


def test_an_ssrc_in_every_packet_begins_no_more_streams_than_a_track_may_have() -> None:
    """65,536 of them, in a few seconds of work and some megabytes."""
    splitter = StreamSplitter((96,), 90_000)
    found: set[int] = set()
    for chunk in range(8):
        garbage = [
            rtp(1, 3000 * i, b"x", arrival_us=START_US + i, ssrc=8192 * chunk + i)
            for i in range(8192)
        ]
        found |= {run.stream for run in splitter.split(packets(garbage))}

    assert found == set(range(8 * MAX_BEGUN))
    assert splitter.foreign == 8 * (8192 - MAX_BEGUN)


def test_among_too_many_ssrcs_those_that_send_most_are_taken() -> None:
    garbage = [
        rtp(1, 3000, b"x", arrival_us=START_US + i, ssrc=1000 + i) for i in range(8 * MAX_BEGUN)
    ]
    media = sent(30, ssrc=7, at_ms=500)
    splitter = StreamSplitter((96,), 90_000)

    found = splitter.split(packets([*garbage, *media]))

    assert len(found) == MAX_BEGUN
    assert [run.packets.count for run in found if run.packets.ssrc[0] == 7] == [30]


def test_streams_known_from_a_first_reading_are_taken_before_any_others() -> None:
    known = [KnownStream(3000, START_US, START_US + 10**6)]
    garbage = [
        rtp(n, 3000, b"x", arrival_us=START_US + 2 * i + n, ssrc=2000 + i)
        for i in range(8 * MAX_BEGUN)
        for n in range(2)
    ]
    media = [rtp(1, 3000, b"x", arrival_us=START_US + 10**5, ssrc=3000)]
    splitter = StreamSplitter((96,), 90_000, known=known)

    found = splitter.split(packets([*garbage, *media]))

    assert found[0].packets.ssrc.tolist() == [3000]
    assert found[0].stream == 0


def test_a_sender_that_restarts_all_the_time_begins_no_more_streams_than_a_track_may_have() -> None:
    splitter = StreamSplitter((96,), 90_000)
    found: set[int] = set()
    for chunk in range(40):
        # Two packets here, two far from there.
        restarts = [
            rtp(
                5000 * (i // 2) + i % 2,
                10**8 * (i // 2),
                b"x",
                arrival_us=START_US + i + 10**4 * chunk,
            )
            for i in range(400)
        ]
        found |= {run.stream for run in splitter.split(packets(restarts))}

    assert max(found) == MAX_STREAMS - 1
    assert splitter.wild > 0
