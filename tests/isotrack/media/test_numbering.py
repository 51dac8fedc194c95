"""Where numbering goes on and where it begins anew, as a track's splitter sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest

from isotrack.media.streams import StreamSplitter
from isotrack.rtp.packet import Packets

PT, OTHER = 96, 8
RATE = 90_000
START_US = 1_760_000_000_000_000


class P(NamedTuple):
    """A packet: numbers, and when it came."""

    sequence: int
    timestamp: int
    at_ms: float
    payload_type: int = PT
    length: int = 10


def run(first: P, count: int, ticks: int = 3000) -> list[P]:
    """Packets that follow each other at 30 a second."""
    return [
        first._replace(
            sequence=first.sequence + i,
            timestamp=first.timestamp + ticks * i,
            at_ms=first.at_ms + ticks * i * 1000 / RATE,
        )
        for i in range(count)
    ]


def columns(packets: Sequence[P]) -> Packets:
    zero = np.zeros(len(packets), np.int64)
    found = {
        "buffer": np.zeros(10_000, np.uint8),
        "sequence_number": np.array([p.sequence % 2**16 for p in packets], np.uint16),
        "timestamp": np.array([p.timestamp % 2**32 for p in packets], np.uint32),
        "marker": zero.astype(np.bool_),
        "payload_type": np.array([p.payload_type for p in packets], np.uint8),
        "ssrc": zero.astype(np.uint32),
        "arrival_us": np.array([START_US + round(p.at_ms * 1000) for p in packets], np.int64),
        "payload_offset": zero + 100,
        "payload_length": np.array([p.length for p in packets], np.int64),
        "restored": zero.astype(np.bool_),
    }
    return Packets(**{name: found.get(name, zero + 50) for name in Packets._fields})


class Split(NamedTuple):
    """What became of packets: by stream, their unwrapped numbers and timestamps."""

    sequence: dict[int, list[int]]
    timestamp: dict[int, list[int]]
    wild: int


def split(packets: Sequence[P], chunk: int = 10**6) -> Split:
    splitter = StreamSplitter([PT], RATE)
    sequence: dict[int, list[int]] = {}
    timestamp: dict[int, list[int]] = {}
    for at in range(0, len(packets), chunk):
        for found in splitter.split(columns(packets[at : at + chunk])):
            sequence.setdefault(found.stream, []).extend(found.sequence.tolist())
            filled = found.packets.payload_length > 0
            timestamp.setdefault(found.stream, []).extend(found.timestamp[filled].tolist())
    return Split(sequence, timestamp, splitter.wild)


@pytest.mark.parametrize("chunk", [1, 50, 10**6])
@pytest.mark.parametrize("lost", [2900, 5000, 20_000])
def test_a_long_loss_is_a_hole_in_one_stream(lost: int, chunk: int) -> None:
    """Edge case 48: sequence number and timestamp leap as far as time has."""
    before = run(P(60_000, 2**32 - 90_000, 0), 100)
    after = run(P(60_100 + lost, 2**32 - 90_000 + 3000 * (100 + lost), (100 + lost) * 100 / 3), 100)

    found = split([*before, *after], chunk)

    assert list(found.sequence) == [0]
    assert np.diff(found.sequence[0])[99] == lost + 1
    assert np.diff(found.timestamp[0])[99] == 3000 * (lost + 1)
    assert found.wild == 0


@pytest.mark.parametrize("chunk", [1, 50, 10**6])
@pytest.mark.parametrize("leap", [32_767, 32_768, -32_767, 30_000])
def test_an_ambiguous_leap_begins_anew_and_keeps_both_sides(leap: int, chunk: int) -> None:
    """Edge case 49."""
    packets = [*run(P(100, 5, 0), 100), *run(P(200 + leap, 10**9, 3400), 100)]

    found = split(packets, chunk)

    assert [len(each) for each in found.timestamp.values()] == [100, 100]
    assert found.wild == 0


@pytest.mark.parametrize("chunk", [1, 7, 10**6])
def test_a_sender_that_restarts_begins_a_stream_with_its_second_packet(chunk: int) -> None:
    """Edge case 50: after two packets in sequence; the first one is not lost."""
    packets = [*run(P(60_000, 3 * 10**9, 0), 100), *run(P(3, 77, 3400), 100)]

    found = split(packets, chunk)

    assert [len(each) for each in found.timestamp.values()] == [100, 100]
    assert [each % 2**16 for each in found.sequence[1][:2]] == [3, 4]


@pytest.mark.parametrize("chunk", [1, 7, 10**6])
@pytest.mark.parametrize(("sequence", "timestamp"), [(40_000, 900), (110, 10**9), (0, 0)])
def test_a_single_wild_packet_is_dropped_and_nothing_else(
    sequence: int, timestamp: int, chunk: int
) -> None:
    """Edge case 51."""
    packets = run(P(20_000, 10**8, 0), 100)
    wild = P(sequence, timestamp, packets[49].at_ms + 1)

    found = split([*packets[:50], wild, *packets[50:]], chunk)

    assert list(found.sequence) == [0]
    assert np.diff(found.sequence[0]).tolist() == [1] * 99
    assert np.diff(found.timestamp[0]).tolist() == [3000] * 99
    assert found.wild == 1


@pytest.mark.parametrize("chunk", [1, 7, 10**6])
def test_another_payload_type_with_another_clock_does_not_touch_the_timestamps(chunk: int) -> None:
    """Edge case 12: telephone at 8000 Hz between what is ours, on one SSRC."""
    ours = run(P(1000, 2**32 - 30_000, 0), 40)
    theirs = [
        P(1040 + i, 3 * 10**9 + 10**9 * (i % 3), ours[-1].at_ms + 20 * (i + 1), OTHER)
        for i in range(50)
    ]
    again = run(P(1090, ours[-1].timestamp + 93_000, theirs[-1].at_ms + 20), 40)

    found = split([*ours, *theirs, *again], chunk)

    assert list(found.sequence) == [0]
    assert np.diff(found.timestamp[0]).tolist() == [3000] * 39 + [93_000] + [3000] * 39


def test_padding_with_wild_timestamps_does_not_count_a_wrap() -> None:
    """Edge case 12 and edge case 165."""
    packets = run(P(1, 100, 0), 40)
    padding = [P(0, 1_500_000_100, 0, length=0), P(0, 3_000_000_100, 0, length=0)]
    mixed = [*packets[:20], *padding, *packets[20:]]
    mixed = [p._replace(sequence=i, at_ms=i * 30) for i, p in enumerate(mixed)]

    found = split(mixed)

    assert np.diff(found.timestamp[0]).tolist() == [3000] * 39


@pytest.mark.parametrize("hours", [3, 6.5])
def test_a_pause_of_hours_goes_on_in_the_same_stream(hours: float) -> None:
    """Edge case 205: short of 2^31 ticks the timestamp itself tells."""
    ticks = int(hours * 3600 * RATE)
    packets = [*run(P(1, 100, 0), 10), *run(P(11, 100 + ticks, ticks * 1000 / RATE), 10)]

    found = split(packets)

    assert list(found.sequence) == [0]
    assert found.timestamp[0][10] - found.timestamp[0][0] == ticks


@pytest.mark.parametrize("hours", [7, 13])
def test_a_pause_beyond_half_the_range_begins_a_stream(hours: float) -> None:
    """Edge case 205: a timestamp has no direction then, so that its time is that of arrival."""
    ticks = int(hours * 3600 * RATE)
    packets = [*run(P(1, 100, 0), 10), *run(P(11, 100 + ticks, ticks * 1000 / RATE), 10)]

    found = split(packets)

    assert [len(each) for each in found.timestamp.values()] == [10, 10]


@pytest.mark.parametrize("chunk", [1, 7, 10**6])
@pytest.mark.parametrize("off_s", [4, 50, -4, -50])
def test_a_single_packet_some_seconds_off_is_wild(off_s: int, chunk: int) -> None:
    """Edge case 51: its number fits, its timestamp does not, and no time has passed."""
    packets = run(P(20_000, 10**8, 0), 100)
    packets[50] = packets[50]._replace(timestamp=packets[50].timestamp + off_s * RATE)

    found = split(packets, chunk)

    assert list(found.timestamp) == [0]
    assert np.diff(found.timestamp[0]).tolist() == [3000] * 49 + [6000] + [3000] * 48
    assert found.wild == 1


@pytest.mark.parametrize("chunk", [1, 7, 10**6])
def test_a_mute_of_seconds_is_no_stray(chunk: int) -> None:
    packets = [*run(P(1, 100, 0), 10), *run(P(11, 100 + 20 * RATE, 20_000), 1)]

    found = split([*packets, *run(P(12, 100 + 41 * RATE, 41_000), 10)], chunk)

    assert len(found.timestamp[0]) == 21
    assert found.wild == 0


@pytest.mark.parametrize("chunk", [1, 7, 10**6])
def test_some_packets_of_a_wild_time_begin_a_stream_where_they_are_over(chunk: int) -> None:
    """So the clock of the first one does not carry them away, nor what follows."""
    packets = run(P(20_000, 10**8, 0), 100)
    packets[50:53] = [p._replace(timestamp=p.timestamp + 50 * RATE) for p in packets[50:53]]

    found = split(packets, chunk)

    assert [len(each) for each in found.timestamp.values()] == [53, 47]
    assert found.wild == 0
