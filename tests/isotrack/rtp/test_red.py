from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.media.observations import ClockObservations
from isotrack.media.streams import StreamReport, StreamSplitter
from isotrack.rtp.dump import read_dump
from isotrack.rtp.header import write_header
from isotrack.rtp.packet import Packets, read_packets
from isotrack.rtp.red import MAX_COPIES, Copy, split, write_red
from isotrack.rtp.rtcp import SenderReport
from tests.packets import START_US, packets_of, write_records

RED, OPUS, SSRC = 63, 111, 0x1234
VECTORS = {
    each["id"]: each for each in json.loads(Path("tests/data/rtp/red.json").read_text())["vectors"]
}


class Row(NamedTuple):
    sequence: int
    timestamp: int
    payload_type: int
    restored: bool
    payload: bytes


def rows(packets: Packets) -> list[Row]:
    columns = zip(
        packets.sequence_number.tolist(),
        packets.timestamp.tolist(),
        packets.payload_type.tolist(),
        packets.restored.tolist(),
        packets.payload_offset.tolist(),
        packets.payload_length.tolist(),
        strict=True,
    )
    return [Row(*row, packets.buffer[at : at + size].tobytes()) for *row, at, size in columns]


def datagram(
    sequence: int, payload: bytes, *, payload_type: int = RED, timestamp: int | None = None
) -> bytes:
    timestamp = 960 * sequence if timestamp is None else timestamp
    sequence, timestamp = sequence & 0xFFFF, timestamp & 0xFFFFFFFF
    return write_header(payload_type, sequence, timestamp, SSRC, True) + payload


def sound(sequence: int) -> bytes:
    return b"sound %d" % sequence


def red(sequence: int, distance: int) -> bytes:
    """A RED packet of sound with copies of as many packets before it."""
    copies = [Copy(OPUS, 960 * back, sound(sequence - back)) for back in range(distance, 0, -1)]
    return datagram(sequence, write_red(OPUS, sound(sequence), copies))


def row(sequence: int, *, restored: bool = False) -> Row:
    return Row(sequence, 960 * sequence, OPUS, restored, sound(sequence))


def split_rows(datagrams: Sequence[bytes], media: Sequence[int] = (OPUS,)) -> list[Row]:
    return rows(split(packets_of(datagrams), RED, media))


def of_vector(name: str) -> list[bytes]:
    return [
        datagram(each["seq"], bytes.fromhex(each["payload"]), timestamp=each["ts"])
        for each in VECTORS[name]["packets"]
    ]


@pytest.mark.parametrize("name", ["lw-red-01", "lw-red-02", "lw-red-03"])
def test_blocks_are_those_that_libwebrtc_finds(name: str) -> None:
    """Edge case 151: the primary is the last block, copies are before it."""
    expected: list[dict[str, Any]] = VECTORS[name]["expect"]["blocks"][0]

    found = split_rows(of_vector(name), (0, 2, 5))

    wanted = [(each["ts"], not each["primary"], each["data"]) for each in reversed(expected)]
    assert [(r.timestamp, r.restored, r.payload.hex()) for r in found] == wanted
    assert [r.sequence for r in found] == [(1 - len(found) + i) % 65536 for i in range(len(found))]


@pytest.mark.parametrize("name", ["lw-red-04", "lw-red-05", "lw-red-06"])
def test_a_packet_that_is_cut_or_holds_red_again_counts_as_missing(name: str) -> None:
    """Edge cases 153 and 154: no primary is guessed at, and nothing recurses."""
    assert split_rows([*of_vector(name), red(7, 0)], (0, 2, 5, OPUS, RED)) == [row(7)]


def test_a_lost_packet_comes_back_from_the_copies_in_those_after_it() -> None:
    """Edge cases 151 and 155: distance 2, number 4 lost."""
    vector = VECTORS["jvb-red-02"]
    expected = [(each["ts"], each["data"]) for each in vector["expect"]["frames"]]

    found = split_rows(of_vector("jvb-red-02"))

    assert [r.sequence for r in found] == [0, 1, 2, 3, 4, 5, 4, 6]
    assert [r.restored for r in found] == [False] * 4 + [True, False, True, False]
    assert {(r.timestamp, r.payload.hex()) for r in found} == set(expected)


def test_the_header_of_a_copy_has_14_bits_of_time_and_10_of_length() -> None:
    header = VECTORS["jvb-red-01"]["packets"][0]["header"]
    payload = bytes.fromhex(header) + bytes((OPUS,)) + b"c" * 1023 + b"p"

    copy, primary = split_rows([datagram(9, payload, timestamp=20_000)], (5,))

    assert copy == Row(8, 20_000 - 0x3FFF, 5, True, b"c" * 0x3FF)
    assert primary == Row(9, 20_000, OPUS, False, b"p")
    assert write_red(OPUS, b"p", [Copy(5, 0x3FFF, b"c" * 0x3FF)]) == payload


def test_two_lost_packets_come_back_in_order_from_one() -> None:
    """Edge case 155."""
    found = split_rows([red(10, 2), red(13, 2)])

    assert found[-3:] == [row(11, restored=True), row(12, restored=True), row(13)]


def test_copies_of_packets_that_came_are_left_out() -> None:
    """Edge case 151: no duplicates, whatever the order of arrival."""
    order = [3, 0, 1, 5, 4, 2]
    found = split_rows([red(number, min(number, 2)) for number in order])

    assert found == [row(number) for number in order]


def test_copies_point_over_the_wrap_of_both_counters() -> None:
    copies = [Copy(OPUS, 1920, b"a"), Copy(OPUS, 960, b"b")]
    packet = datagram(1, write_red(OPUS, b"c", copies), timestamp=1000)

    found = split_rows([packet])

    assert [(r.sequence, r.timestamp) for r in found] == [
        (65535, 2**32 - 920),
        (0, 40),
        (1, 1000),
    ]


def test_the_distance_counts_blocks_that_are_passed_over() -> None:
    """Edge case 152: a copy of another codec, of no age or of nothing is none."""
    copies = [
        Copy(OPUS, 2880, b"a"),
        Copy(13, 1920, b"comfort noise"),
        Copy(OPUS, 1440, b""),
        Copy(OPUS, 0, b"now"),
        Copy(OPUS, 960, b"b"),
    ]

    found = split_rows([datagram(50, write_red(OPUS, b"c", copies))])

    assert [(r.sequence, r.payload) for r in found] == [(45, b"a"), (49, b"b"), (50, b"c")]


def test_packets_of_all_distances_stand_side_by_side() -> None:
    """Edge case 152: the first packets have fewer blocks."""
    found = split_rows([red(0, 0), red(2, 1), red(5, 2), red(9, 3), red(20, 0)])

    assert [r.sequence for r in found] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 20]
    assert [r.sequence for r in found if not r.restored] == [0, 2, 5, 9, 20]
    assert all(r.payload == sound(r.sequence) for r in found)


def test_red_and_plain_packets_of_one_sender_are_one_numbering() -> None:
    """Edge case 157: a sender that switches while running."""
    plain = [datagram(n, sound(n), payload_type=OPUS) for n in (0, 1, 5, 6)]

    found = split_rows([*plain[:2], red(3, 2), red(4, 2), *plain[2:]])

    copy = row(2, restored=True)  # in both: one of them will do
    assert found == [row(0), row(1), copy, row(3), copy, row(4), row(5), row(6)]


def test_packets_without_red_are_given_back_as_they_are() -> None:
    packets = packets_of([datagram(1, b"x", payload_type=OPUS)])

    assert split(packets, RED, (OPUS,)) is packets
    assert split(packets.take(slice(0)), RED, (OPUS,)).count == 0


def test_copies_are_told_apart_by_sender() -> None:
    other = write_header(OPUS, 4, 0, 99, False) + b"another's"

    assert [r.sequence for r in split_rows([other, red(5, 1)])] == [4, 4, 5]


def test_a_row_keeps_what_its_packet_says_and_a_copy_has_no_marker() -> None:
    packets = packets_of([red(5, 0), red(8, 2)])

    found = split(packets, RED, (OPUS,))

    assert found.buffer is packets.buffer
    assert found.marker.tolist() == [True, False, False, True]
    assert found.arrival_us.tolist() == [START_US, *[START_US + 1000] * 3]
    assert found.packet_offset.tolist() == packets.packet_offset[[0, 1, 1, 1]].tolist()
    assert found.ssrc.tolist() == [SSRC] * 4


def test_what_was_sent_again_stays_restored() -> None:
    packets = packets_of([red(5, 1)])
    again = packets._replace(restored=~packets.restored)

    assert rows(split(again, RED, (OPUS,))) == [row(4, restored=True), row(5, restored=True)]


def test_a_primary_of_another_payload_type_keeps_it() -> None:
    """Edge cases 15 and 152: telephone events and FEC inside RED are no sound, and are no loss."""
    event = datagram(6, write_red(101, b"\x01\x0a\x00\xa0", [Copy(OPUS, 960, sound(5))]))

    found = split_rows([event])

    assert [(r.sequence, r.payload_type) for r in found] == [(5, OPUS), (6, 101)]


def clock_of(packets: Packets) -> tuple[list[list[int]], StreamReport | None]:
    """What the packets of a stream tell of its clock, and where a report belongs."""
    splitter = StreamSplitter((OPUS, RED), 48_000)
    clock = ClockObservations(48_000)
    for run in splitter.split(packets):
        clock.add_packets(run)
    report = splitter.report(SenderReport(SSRC, 1 << 60, 960 * 50, 0, 0))
    return [column.tolist() for column in clock.delays()], report


def test_the_clock_of_redundant_sound_is_that_of_plain_sound() -> None:
    """Edge case 158: with reports and without, copies say nothing of when they were sent."""
    numbers = [n for n in range(100) if n % 7]
    arrival_us = [START_US + 20_000 * n + n * n % 3000 for n in numbers]
    plain = [datagram(n, sound(n), payload_type=OPUS) for n in numbers]
    redundant = [red(n, 2) for n in numbers]

    expected = clock_of(read_packets(read_dump(write_records(plain, arrival_us=arrival_us)))[0])
    packets, _ = read_packets(read_dump(write_records(redundant, arrival_us=arrival_us)))

    assert clock_of(packets) == expected
    assert clock_of(split(packets, RED, (OPUS,))) == expected
    assert expected[1] is not None


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"\xef", "the first byte of a header"),
        (b"\xef\x0f\x00", "half a header"),
        (b"\xef\x0f\x00\x0a", "no header of the primary"),
        (b"\xef\x0f\x00\x0a\x6f" + bytes(9), "a copy past the end"),
        (b"\xef\xff\xff\xff" * 2 + b"\x6f" + bytes(1024), "two copies past the end"),
        (b"\xff" * 1200, "headers without an end"),
        (b"\xef\x0f\x00\x00" * (MAX_COPIES + 1) + b"\x6f!", "more copies than anybody sends"),
        (write_red(RED, write_red(OPUS, b"x")), "RED again"),
    ],
)
def test_hostile_payloads_count_as_missing(payload: bytes, why: str) -> None:
    """Edge cases 153 and 154; a later copy may take their place."""
    packets = [red(1, 0), datagram(2, payload), red(3, 1)]
    assert split_rows(packets) == [row(1), row(2, restored=True), row(3)], why


def test_a_packet_without_payload_came() -> None:
    """Edge cases 5 and 7: padding and empty packets are no loss, of whatever payload type."""
    found = split_rows([red(1, 0), datagram(2, b""), red(3, 2)])

    assert [(r.sequence, r.restored, r.payload) for r in found] == [
        (1, False, sound(1)),
        (2, False, b""),
        (3, False, sound(3)),
    ]


def test_as_many_copies_as_there_may_be_are_read() -> None:
    found = split_rows([red(100, 17), red(200, MAX_COPIES - 14)])
    assert len(found) == 18 + 18

    most = datagram(90, b"\xef\x0f\x00\x00" * MAX_COPIES + b"\x6f!")
    assert [r.payload for r in split_rows([most])] == [b"!"]


def test_a_primary_without_a_byte_came_and_has_nothing_to_play() -> None:
    found = split_rows([datagram(4, write_red(OPUS, b"", [Copy(OPUS, 960, b"before")]))])

    assert [(r.sequence, r.payload) for r in found] == [(3, b"before"), (4, b"")]


@given(
    st.lists(
        st.tuples(st.integers(0, 65535), st.sampled_from([RED, OPUS, 13]), st.binary(max_size=60)),
        min_size=1,
        max_size=20,
    )
)
def test_hostile_blocks_lie_within_their_packets(given_: list[tuple[int, int, bytes]]) -> None:
    """Edge case 153."""
    packets = packets_of([datagram(n, body, payload_type=pt) for n, pt, body in given_])
    ends = dict(
        zip(
            packets.packet_offset.tolist(),
            (packets.payload_offset + packets.payload_length).tolist(),
            strict=True,
        )
    )

    found = split(packets, RED, (OPUS,))

    for at, begin, size in zip(
        found.packet_offset.tolist(),
        found.payload_offset.tolist(),
        found.payload_length.tolist(),
        strict=True,
    ):
        assert at + 12 <= begin
        assert begin + size <= ends[at]
        assert size >= 0


@given(st.sets(st.integers(0, 40)), st.integers(0, 4))
def test_what_is_within_reach_of_a_later_packet_comes_back(lost: set[int], distance: int) -> None:
    sent = [red(n, min(n, distance)) for n in range(45)]
    expected = {
        n
        for n in range(45)
        if n not in lost or any(m not in lost for m in range(n + 1, min(n + distance, 44) + 1))
    }

    found = split_rows([sent[n] for n in range(45) if n not in lost])

    assert {r.sequence for r in found} == expected
    assert all(r == row(r.sequence, restored=r.restored) for r in found)
    assert {r.sequence for r in found if r.restored} == expected & lost


@pytest.mark.parametrize(
    ("payload_type", "copies"),
    [
        (128, []),
        (-1, []),
        (OPUS, [Copy(128, 960, b"")]),
        (OPUS, [Copy(OPUS, 1 << 14, b"")]),
        (OPUS, [Copy(OPUS, -1, b"")]),
        (OPUS, [Copy(OPUS, 960, bytes(1024))]),
    ],
)
def test_a_block_that_does_not_fit_its_header_is_refused(
    payload_type: int, copies: list[Copy]
) -> None:
    with pytest.raises(ValueError, match="RED block"):
        write_red(payload_type, b"", copies)
