from __future__ import annotations

import numpy as np

from isotrack.media.activity import SECOND_US, Activity
from isotrack.rtp.dump import read_dump
from isotrack.rtp.header import write_header
from isotrack.rtp.packet import Packets, read_packets
from tests.packets import START_US, write_records

START_S = START_US // SECOND_US


def came(*arrivals: tuple[float, int]) -> Packets:
    """Packets by their second of arrival and bytes of payload."""
    made = [write_header(96, n, n, 7, False) + bytes(size) for n, (_, size) in enumerate(arrivals)]
    arrival_us = [START_US + round(second * SECOND_US) for second, _ in arrivals]
    return read_packets(read_dump(write_records(made, arrival_us=arrival_us)))[0]


def found(activity: Activity) -> dict[int, int]:
    """Bytes by second."""
    second, size = activity.by_second()
    return dict(zip(second.tolist(), size.tolist(), strict=True))


def test_bytes_are_counted_by_the_second_they_came_in() -> None:
    activity = Activity()

    activity.add(came((0, 100), (0.999, 20), (1, 3), (61.5, 4000)))

    assert found(activity) == {START_S: 120, START_S + 1: 3, START_S + 61: 4000}
    assert (activity.first_us, activity.last_us) == (START_US, START_US + 61_500_000)


def test_a_second_may_go_on_in_the_next_chunk_and_out_of_order() -> None:
    activity = Activity()

    activity.add(came((5.5, 10), (4.9, 1)))
    activity.add(came((5.6, 20), (3.2, 5)))

    assert list(found(activity).items()) == [(START_S + 3, 5), (START_S + 4, 1), (START_S + 5, 30)]
    assert (activity.first_us, activity.last_us) == (START_US + 3_200_000, START_US + 5_600_000)


def test_arrivals_that_make_no_sense_cost_no_memory() -> None:
    activity = Activity()

    day_us = 100_000 * SECOND_US
    packets = came((0, 1), (0.5, 10), (1, 2), (1.5, 20))
    arrival_us = packets.arrival_us + day_us * np.array([0, 1, 0, 1])
    activity.add(packets._replace(arrival_us=arrival_us))
    activity.add(came((0.5, 100)))

    assert found(activity) == {
        START_S: 101,
        START_S + 1: 2,
        START_S + 100_000: 10,
        START_S + 100_001: 20,
    }


def test_padding_is_heard_of_but_has_no_bytes() -> None:
    activity = Activity()

    activity.add(came((2, 0), (3, 7)))

    assert found(activity) == {START_S + 3: 7}
    assert activity.first_us == START_US + 2 * SECOND_US


def test_before_the_first_packet_there_is_nothing() -> None:
    activity = Activity()

    assert found(activity) == {}
    assert activity.first_us is None
