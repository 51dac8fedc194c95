from datetime import UTC, datetime, timedelta

import numpy as np

from capture_agent.clock import Clock

EPOCH = datetime(2026, 11, 22, 10, tzinfo=UTC)
EPOCH_NS = int(EPOCH.timestamp()) * 10**9


def test_at_speed_one_every_time_is_the_real_one():
    clock = Clock(EPOCH_NS)
    later = EPOCH + timedelta(days=3, microseconds=7)
    assert clock.convert(later) == later
    assert clock.arrivals_us(np.array([EPOCH_NS + 1999], np.uint64))[0] == EPOCH_NS // 1000 + 1
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_faster_clock_stretches_time_from_its_epoch():
    clock = Clock(EPOCH_NS, 4.0)
    assert clock.convert(EPOCH) == EPOCH
    assert clock.convert(EPOCH + timedelta(seconds=2)) == EPOCH + timedelta(seconds=8)
    assert clock.convert(EPOCH - timedelta(seconds=1)) == EPOCH - timedelta(seconds=4)


def test_packets_and_announcements_are_on_the_same_clock():
    clock = Clock(EPOCH_NS, 7.5)
    real = EPOCH + timedelta(hours=5, microseconds=123456)
    real_ns = (real - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    converted = clock.convert(real) - datetime(1970, 1, 1, tzinfo=UTC)
    arrival = int(clock.arrivals_us(np.array([real_ns], np.uint64))[0])
    assert arrival == converted // timedelta(microseconds=1)
