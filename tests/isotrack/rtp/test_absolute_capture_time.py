from __future__ import annotations

import struct

import numpy as np
import pytest

from isotrack.rtp.absolute_capture_time import AbsoluteCaptureTimes
from isotrack.rtp.rtcp import ntp_from_unix_us, unix_us_from_ntp

CAPTURE_US = 1_760_000_000_123_456


def read(
    *elements: bytes | None, times: AbsoluteCaptureTimes | None = None
) -> list[tuple[int, int]]:
    """Which elements name a capture time, and which: they lie apart in one buffer."""
    buffer, offset, length = bytearray(5), [], []
    for each in elements:
        offset.append(len(buffer) if each is not None else -1)
        length.append(len(each or b""))
        buffer += (each or b"") + b"\xff\xff\xff"
    whole = np.frombuffer(buffer, np.uint8)
    rows, capture_us = (times or AbsoluteCaptureTimes()).read(
        whole, np.array(offset, np.int64), np.array(length, np.int64)
    )
    return list(zip(rows.tolist(), capture_us.tolist(), strict=True))


def captured(us: int, clock_offset_us: int | None = None) -> bytes:
    time = struct.pack(">Q", ntp_from_unix_us(us))
    if clock_offset_us is None:
        return time
    seconds, rest = divmod(clock_offset_us, 1_000_000)
    return time + struct.pack(">iI", seconds, (rest << 32) // 1_000_000)


def test_capture_times_are_read_from_the_packets_that_have_one() -> None:
    """Edge case 206."""
    found = read(None, captured(CAPTURE_US), None, captured(CAPTURE_US + 20_000))

    assert [row for row, _ in found] == [1, 3]
    assert all(abs(us - CAPTURE_US - 20_000 * (row == 3)) <= 1 for row, us in found)


@pytest.mark.parametrize("clock_offset_us", [0, 1_500_000, -1_500_000, -250_000, 10**12])
def test_a_clock_offset_moves_the_time_to_the_senders_clock(clock_offset_us: int) -> None:
    ((_, us),) = read(captured(CAPTURE_US, clock_offset_us))

    assert abs(us - CAPTURE_US - clock_offset_us) <= 2


def test_a_clock_offset_left_out_is_as_it_was() -> None:
    times = AbsoluteCaptureTimes()

    first = read(
        captured(CAPTURE_US), captured(CAPTURE_US, 5000), captured(CAPTURE_US), times=times
    )
    later = read(captured(CAPTURE_US), None, captured(CAPTURE_US, -7000), times=times)

    assert [round((us - CAPTURE_US) / 1000) for _, us in first] == [0, 5, 5]
    assert [round((us - CAPTURE_US) / 1000) for _, us in later] == [5, -7]


@pytest.mark.parametrize("element", [b"", b"\x01", bytes(7), bytes(9), bytes(15), bytes(8)])
def test_a_value_of_another_size_or_none_is_no_time(element: bytes) -> None:
    """Edge case 33."""
    assert read(element, captured(CAPTURE_US))[0][0] == 1


@pytest.mark.parametrize("ntp", [1, 2**63 - 1, 2**63, 2**64 - 1, 0xE9B1_0000_8000_0000])
def test_times_are_the_same_as_those_of_sender_reports(ntp: int) -> None:
    assert read(struct.pack(">Q", ntp)) == [(0, unix_us_from_ntp(ntp))]


def test_no_packets_at_all_are_fine() -> None:
    assert read() == []
    assert read(None, None) == []
