from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from isotrack.media.clock import fit_clocks
from isotrack.media.observations import ClockObservations, Delays, ticks_to_us
from isotrack.media.streams import StreamReport
from isotrack.rtp.rtcp import ntp_from_unix_us
from tests.timeline import (
    HOUR,
    SECOND,
    SOUND,
    START_US,
    VIDEO,
    Device,
    Made,
    Path,
    arrived,
    errors_us,
    make,
    observe,
    packets_of,
)


def alike(one: Delays, other: Delays) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def seen(made: Made) -> ClockObservations:
    """A stream whose counters are known, without their unwrapping."""
    observed = ClockObservations(made.form.rate)
    rows = np.argsort(made.arrival_us, kind="stable")
    observed.add_packets(arrived(packets_of(made, rows), made.timestamp[rows]))
    return observed


@pytest.mark.parametrize("chunk", [1, 17, 4000])
def test_what_is_seen_does_not_depend_on_how_it_is_chunked(chunk: int) -> None:
    picture = make(VIDEO, Device(path=Path(jitter_us=60_000, spikes=0.01)), 60)

    assert alike(observe(picture, chunk=chunk).delays(), observe(picture, chunk=10**6).delays())


def test_packets_known_to_be_plain_need_no_second_look() -> None:
    picture = make(VIDEO, Device(path=Path(jitter_us=60_000, spikes=0.01)), 60)
    rows = np.argsort(picture.arrival_us, kind="stable")
    came = arrived(packets_of(picture, rows), picture.timestamp[rows])
    plain, any_kind = ClockObservations(VIDEO.rate), ClockObservations(VIDEO.rate)

    plain.add_packets(came._replace(plain=True))
    any_kind.add_packets(came._replace(plain=False))

    assert alike(plain.delays(), any_kind.delays())


def test_a_row_is_the_least_delay_of_its_second() -> None:
    sound = make(SOUND, Device(path=Path(jitter_us=4000)), 10, first=0)

    delays = observe(sound).delays()

    delay_us = sound.arrival_us - ticks_to_us(sound.timestamp, 48_000)
    second = sound.timestamp // 48_000
    least = [int(delay_us[second == each].min()) for each in np.unique(second)]
    first = [int(sound.timestamp[second == each][0]) for each in np.unique(second)]
    assert delays.delay_us.tolist() == least
    assert delays.timestamp.tolist() == first


def test_a_packet_that_comes_much_later_begins_a_row() -> None:
    sound = make(SOUND, seconds=0.5, first=0)
    late = sound._replace(arrival_us=sound.arrival_us + (np.arange(25) >= 12) * 200_000)

    delays = observe(late).delays()

    assert len(delays.delay_us) == 2
    assert delays.timestamp[1] == late.timestamp[12]
    assert delays.previous[1] == late.timestamp[11]


def test_padding_with_a_timestamp_of_the_future_is_passed_over() -> None:
    """Edge case 165: it may bear any timestamp and must not touch clocks."""
    sound = make(SOUND, seconds=60)
    rows = np.arange(3000)
    packets = packets_of(sound, rows)
    timestamp, length = sound.timestamp.copy(), packets.payload_length.copy()
    timestamp[1500:1503] += 48_000 * 20
    length[1500:1503] = 0
    padded = ClockObservations(48_000)
    padded.add_packets(arrived(packets._replace(payload_length=length), timestamp))
    rest = np.delete(rows, slice(1500, 1503))
    without = ClockObservations(48_000)
    without.add_packets(arrived(packets.take(rest), sound.timestamp[rest]))

    assert alike(padded.delays(), without.delays())


def test_restored_packets_are_no_arrivals() -> None:
    """Edge case 179: when a packet was repaired says nothing about the sender's clock."""
    sound = make(SOUND, seconds=60)
    rows = np.arange(3000)
    restored = rows % 10 == 3
    early_us = np.where(restored, -5 * SECOND, 0)  # a delay that would be the least
    packets = packets_of(sound, rows, early_us)._replace(restored=restored)
    repaired = ClockObservations(48_000)
    repaired.add_packets(arrived(packets, sound.timestamp))
    came = np.flatnonzero(~restored)
    alone = ClockObservations(48_000)
    alone.add_packets(arrived(packets.take(came), sound.timestamp[came]))
    nothing = ClockObservations(48_000)
    nothing.add_packets(arrived(packets.take(restored), sound.timestamp[restored]))

    assert alike(repaired.delays(), alone.delays())
    assert nothing._rows == []


@pytest.mark.parametrize("ahead_s", [30, -30, 59])
def test_a_single_wild_timestamp_does_not_move_the_clock(ahead_s: int) -> None:
    """Edge case 145."""
    sound = make(SOUND, seconds=60)
    timestamp = sound.timestamp.copy()
    timestamp[1000] += ahead_s * 48_000
    observed = seen(sound._replace(timestamp=timestamp))

    (clock,) = fit_clocks([observed], [10_000])

    assert np.abs(errors_us(clock, sound)).max() < 20_000
    assert clock.fit.standstills == ()


def test_capture_times_are_thinned_to_one_a_second() -> None:
    stream = ClockObservations(48_000)
    for at in range(0, 3000, 100):
        index = np.arange(at, at + 100)
        stream.add_capture_times(2**32 + 960 * index, START_US + 20_000 * index)

    captured = stream.capture_times()

    assert len(captured.timestamp) <= 60 + 30
    offset = captured.capture_us - ticks_to_us(captured.timestamp, 48_000)
    assert np.ptp(offset) <= 1


def test_what_is_kept_of_two_hours_is_less_than_half_a_megabyte() -> None:
    tracemalloc.start()
    stream = ClockObservations(48_000)
    index = np.arange(500)
    packets = packets_of(make(SOUND, seconds=10), index)
    before = tracemalloc.get_traced_memory()[0]
    for chunk in range(2 * HOUR // 10):
        arrival_us = START_US + 20_000 * (index + 500 * chunk) + 500 * (index % 7)
        timestamp = 2**33 + 960 * (index + 500 * chunk)
        stream.add_packets(arrived(packets._replace(arrival_us=arrival_us), timestamp))
        at = int(timestamp[0])
        stream.add_report(StreamReport(0, ntp_from_unix_us(int(arrival_us[0])), at), START_US)
    kept = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    (clock,) = fit_clocks([stream], [10_000])

    assert kept < 500_000
    assert abs(clock.fit.drift_ppm) < 0.1


def test_ticks_become_microseconds_without_overflow() -> None:
    century = 100 * 365 * 86_400
    assert int(ticks_to_us(century * 90_000 + 1, 90_000)) == century * SECOND + 11
