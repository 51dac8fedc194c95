from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isotrack.rtp import rtcp
from isotrack.rtp.header import write_header
from isotrack.rtp.records import read_headers
from isotrack.rtp.trailer import (
    RECORD_HEADER,
    Trailer,
    find_trailer,
    is_trailer,
    read_trailer,
    read_trailers,
    size_bound,
    write_trailer,
)

START_US = 1_760_000_000_000_000

Row = tuple[bytes, int, bool]
"""A packet, its arrival after the start in microseconds, and whether it is RTCP."""

rows_of = st.lists(
    st.tuples(st.binary(min_size=1, max_size=120), st.integers(0, 0xFFFFFFFF), st.booleans()),
    max_size=30,
)


def sealed(rows: list[Row]) -> bytes:
    """The records of the trailer of these packets."""
    length = np.array([len(packet) for packet, _, _ in rows], np.int64)
    arrival_us = START_US + np.array([us for _, us, _ in rows], np.int64)
    is_rtcp = np.array([flag for *_, flag in rows], np.bool_)
    buffer = np.frombuffer(b"".join(packet for packet, _, _ in rows) or b"\0", np.uint8)
    headers = read_headers(buffer, np.cumsum(length) - length, length, is_rtcp)
    rtcp_packets = b"".join(packet for packet, _, flag in rows if flag)
    trailer = write_trailer(length, arrival_us, is_rtcp, headers, rtcp_packets)
    return b"".join(bytes(RECORD_HEADER) + packet for packet in trailer)


def read(tail: bytes) -> Trailer | None:
    return read_trailer(np.frombuffer(tail, np.uint8))


def size_of(tail: bytes) -> int:
    """How long the trailer is said to be."""
    found = find_trailer(np.frombuffer(tail, np.uint8))
    assert found is not None
    return found.size


def some_rows() -> list[Row]:
    report = rtcp.sender_report(rtcp.SenderReport(7, 1 << 40, 900, 1, 1), "alice")
    media = [
        (
            write_header(96, 65_534 + n & 0xFFFF, 2**32 - 1 - n, 7, n == 2) + b"media",
            1000 * n,
            False,
        )
        for n in range(4)
    ]
    return [*media[:2], (report, 1500, True), *media[2:], (b"\x80", 9, False), (report, 9000, True)]


@given(rows_of, st.binary(max_size=50))
def test_all_that_was_written_is_told(rows: list[Row], before: bytes) -> None:
    record = sealed(rows)

    trailer = read(before + record)

    assert trailer is not None
    assert size_of(before + record) == len(record)
    assert trailer.length.tolist() == [len(packet) for packet, _, _ in rows]
    assert trailer.is_rtcp.tolist() == [flag for *_, flag in rows]
    assert trailer.arrival_us.tolist() == [START_US + us for _, us, _ in rows]
    assert list(trailer.rtcp) == [packet for packet, _, flag in rows if flag]


def columns_of(trailer: Trailer) -> list[list[int]]:
    plain = (trailer.length, trailer.arrival_us, trailer.is_rtcp, *trailer.headers)
    return [column.tolist() for column in plain]


@given(st.lists(rows_of, min_size=1, max_size=5))
def test_several_trailers_tell_together_what_each_of_them_tells(parts: list[list[Row]]) -> None:
    records = [sealed(rows) for rows in parts]
    found = [find_trailer(np.frombuffer(record, np.uint8)) for record in records]
    singly = [read(record) for record in records]

    together = read_trailers([each for each in found if each is not None])

    assert together is not None
    at = 0
    for rows, alone in zip(parts, singly, strict=True):
        assert alone is not None
        part = together.part(at, at + len(rows))
        assert columns_of(part) == columns_of(alone)
        assert [part.headers.ssrc.dtype, part.length.dtype] == [np.uint32, np.int64]
        assert part.rtcp == alone.rtcp
        at += len(rows)
    assert len(together.rtcp) == sum(len(alone.rtcp) for alone in singly if alone)


def test_one_trailer_that_contradicts_itself_makes_none_of_several() -> None:
    record = sealed(some_rows())
    untrue = lie(record, PAYLOADS + 4, 0, ">H")
    found = [find_trailer(np.frombuffer(each, np.uint8)) for each in (record, untrue, record)]
    first, second, third = (each for each in found if each is not None)

    assert read_trailers([first, third]) is not None
    assert read_trailers([first, second, third]) is None


def test_rtcp_that_one_trailer_lacks_is_not_made_up_for_by_another() -> None:
    length = np.array([20, 20], np.int64)
    none = np.zeros(2, np.int64)
    is_rtcp = np.ones(2, np.bool_)
    silent = read_headers(np.zeros(40, np.uint8), none, length, is_rtcp)
    found = []
    for size in (30, 50):
        packets = write_trailer(length, none, is_rtcp, silent, bytes(size))
        record = b"".join(bytes(RECORD_HEADER) + packet for packet in packets)
        found.append(find_trailer(np.frombuffer(record, np.uint8)))
    first, second = (each for each in found if each is not None)

    assert read_trailers([first, second]) is None


def test_headers_are_told_without_their_packets() -> None:
    trailer = read(sealed(some_rows()))

    assert trailer is not None
    headers = trailer.headers
    assert headers.sequence_number.tolist() == [65_534, 65_535, 0, 0, 1, 0, 0]
    assert headers.timestamp.tolist() == [2**32 - 1, 2**32 - 2, 0, 2**32 - 3, 2**32 - 4, 0, 0]
    assert headers.ssrc.tolist() == [7, 7, 0, 7, 7, 0, 0]
    assert headers.second.tolist() == [96, 96, 0, 224, 96, 0, 0]
    assert headers.payload_offset.tolist() == [12, 12, 0, 12, 12, 0, 0]
    assert headers.payload_length.tolist() == [5, 5, 0, 5, 5, 0, 0]
    assert [rtcp.read_compound(packet)[0].ssrc for packet in trailer.rtcp] == [7, 7]  # type: ignore[union-attr]


def test_the_tail_of_a_file_is_enough() -> None:
    rows = some_rows()
    record = sealed(rows)

    assert len(record) <= size_bound(len(rows))
    assert read(bytes(5000) + record) is not None
    assert all(read(record[-size:]) is None for size in range(1, len(record)))


@given(st.integers(0), st.integers(1, 255))
def test_a_bit_that_fell_over_makes_a_trailer_none(position: int, change: int) -> None:
    record = bytearray(sealed(some_rows()))
    record[RECORD_HEADER + position % (len(record) - RECORD_HEADER)] ^= change

    assert read(bytes(record)) is None


def lie(record: bytes, at: int, value: int, width: str) -> bytes:
    """A trailer with a number changed, and a CRC that vouches for it."""
    packet = bytearray(record[RECORD_HEADER:])
    struct.pack_into(width, packet, at, value)
    struct.pack_into(">I", packet, len(packet) - 8, zlib.crc32(packet[APP_HEADER:-8]))
    return bytes(RECORD_HEADER) + bytes(packet)


APP_HEADER, FIXED = 12, 28
COUNT = 7
LENGTHS, OFFSETS = FIXED + 12 * COUNT, FIXED + 16 * COUNT
PAYLOADS = FIXED + 18 * COUNT


@pytest.mark.parametrize(
    ("at", "value", "width"),
    [
        (0, 0x82, ">B"),
        (1, 200, ">B"),
        (8, 0, ">I"),
        (12, COUNT + 1, ">I"),
        (12, 0xFFFFFFFF, ">I"),
        (16, 0, ">I"),
        (16, 0xFFFFFFFF, ">I"),
        (20, 1 << 63, ">Q"),
        (LENGTHS, 11, ">H"),
        (OFFSETS, 13, ">H"),
        (OFFSETS, 0xFFFF, ">H"),
        (PAYLOADS, 6, ">H"),
        (PAYLOADS + 4, 0, ">H"),
    ],
)
def test_a_trailer_that_contradicts_itself_is_none(at: int, value: int, width: str) -> None:
    record = sealed(some_rows())
    assert read(lie(record, FIXED, 5, ">I")) is not None  # an arrival may be anything

    assert read(lie(record, at, value, width)) is None


@given(st.binary(max_size=300), st.integers(0, 400))
def test_hostile_bytes_never_raise(data: bytes, size: int) -> None:
    for tail in (data, data + struct.pack(">II", zlib.crc32(data), size)):
        assert read(tail) is None or read(tail) is not None


@pytest.mark.parametrize(("count", "rtcp_size"), [(3116, 0), (3119, 1), (8192, 4), (9, 60_000)])
def test_what_is_too_long_for_a_record_goes_on_in_another(count: int, rtcp_size: int) -> None:
    packet = write_header(96, 1, 2, 3, False) + b"x"
    rows: list[Row] = [(packet, n, False) for n in range(count)]
    rows += [(bytes([0x80, 200]) * (rtcp_size // 2), count, True)] * 3 if rtcp_size > 1 else []
    record = sealed(rows)

    trailer = read(b"media" + record)

    assert trailer is not None
    assert size_of(b"media" + record) == len(record)
    assert trailer.arrival_us.tolist() == [START_US + us for _, us, _ in rows]
    assert trailer.headers.payload_length.tolist() == [1] * count + [0] * (len(rows) - count)
    assert list(trailer.rtcp) == [each for each, _, flag in rows if flag]
    if rtcp_size < 60_000:
        assert len(record) <= size_bound(len(rows))
    for at in (100, 65_532 + 8, 65_532 + 300, len(record) - 9):
        if at < len(record):
            assert read(record[:at] + bytes([record[at] ^ 1]) + record[at + 1 :]) is None


@given(st.integers(3095, 3125))
@settings(max_examples=31, deadline=None)
def test_the_end_of_a_trailer_is_never_cut_in_two(count: int) -> None:
    record = sealed([(b"\x80", n, False) for n in range(count)])

    trailer = read(record)

    assert trailer is not None
    assert trailer.length.size == count


def test_a_trailer_is_told_from_other_app_packets() -> None:
    packet = sealed(some_rows())[RECORD_HEADER:]

    assert is_trailer(memoryview(packet))
    assert not is_trailer(memoryview(packet[:8] + b"XXXX" + packet[12:]))
    assert not is_trailer(memoryview(packet[:11]))
    assert not is_trailer(memoryview(b"\x81\xc8" + packet[2:]))


def test_arrivals_count_from_the_first_of_them() -> None:
    rows = [(b"\x80", 5_000_000, False), (b"\x80", 0, False), (b"\x80", 0xFFFFFFFF, False)]

    trailer = read(sealed(rows))

    assert trailer is not None
    assert (trailer.arrival_us - START_US).tolist() == [5_000_000, 0, 0xFFFFFFFF]
