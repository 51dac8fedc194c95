from __future__ import annotations

import numpy as np
import pytest

from isotrack.media.standstills import in_host_time, run_starts
from tests.timeline import SECOND, SOUND, START_US, VIDEO, Device, Made, Path, make, observe


def starts(made: Made, chunk: int = 4000) -> list[int]:
    """RTP timestamps at which runs of a track begin."""
    delays = observe(made, chunk=chunk).delays()
    found: list[int] = delays.timestamp[run_starts(delays, made.form.rate)].tolist()
    return found


@pytest.mark.parametrize("stall_s", [1, 3, 8])
@pytest.mark.parametrize("chunk", [1, 333, 10_000])
def test_a_network_stall_that_drains_does_not_anchor_anew(stall_s: int, chunk: int) -> None:
    sound = make(SOUND, Device(path=Path(jitter_us=1000)), 60)
    at = sound.capture_us - START_US
    stalled = (at > 30 * SECOND) & (at < (30 + stall_s) * SECOND)
    arrival_us = sound.arrival_us.copy()
    # All that was held up comes within a second.
    drain_us = np.linspace(0, SECOND, int(stalled.sum())).astype(np.int64)
    arrival_us[stalled] = START_US + (30 + stall_s) * SECOND + drain_us

    assert starts(sound._replace(arrival_us=arrival_us), chunk) == [sound.timestamp[0]]


@pytest.mark.parametrize("chunk", [1, 100, 10_000])
def test_single_late_retransmissions_make_no_runs(chunk: int) -> None:
    picture = make(VIDEO, Device(path=Path(jitter_us=2000, spikes=0.05)), 60)

    assert starts(picture, chunk) == [picture.timestamp[0]]


def test_a_queue_at_the_very_start_makes_no_run() -> None:
    picture = make(VIDEO, Device(path=Path(jitter_us=1000)), 60)
    held_up = picture.arrival_us.copy()
    held_up[:30] = np.maximum(held_up[:30], START_US + SECOND)

    assert starts(picture._replace(arrival_us=held_up)) == [picture.timestamp[0]]


@pytest.mark.parametrize("rise_us", [90_000, 250_000, 60 * SECOND])
def test_a_delay_that_rises_and_stays_begins_a_run_at_once(rise_us: int) -> None:
    sound = make(SOUND, Device(path=Path(jitter_us=2000)), 120, ppm=-100)
    stood = sound._replace(arrival_us=sound.arrival_us + (np.arange(5999) >= 3000) * rise_us)

    found = starts(stood)

    assert found[0] == sound.timestamp[0]
    assert [(each - sound.timestamp[3000]) // 960 for each in found[1:]] == [0]


def test_a_clock_that_leaps_ahead_begins_a_run() -> None:
    sound = make(SOUND, Device(path=Path(jitter_us=2000)), 120)
    leap = np.where(np.arange(6000) >= 3000, 48_000 * 2, 0)

    assert len(starts(sound._replace(timestamp=sound.timestamp + leap))) == 2


def test_arrivals_that_run_back_are_put_in_order_by_their_floors() -> None:
    """Edge case 204."""
    sound = make(SOUND, Device(path=Path(jitter_us=3000)), 120)
    steps = [(30.0, -5 * SECOND), (60.0, -300_000), (61.0, -300_000)]

    moved, shift_us = in_host_time(observe(sound, host_steps=steps).delays())

    assert np.abs(shift_us - [0, 5 * SECOND, 5_300_000, 5_600_000]).max() < 1500
    assert (np.diff(moved.arrival_us) > 0).all()
    assert run_starts(moved, 48_000).tolist() == [0]


def test_media_sent_faster_than_it_plays_is_no_leap() -> None:
    """A file that is sent ends in a burst: its RTP clock goes on from frame to frame."""
    picture = make(VIDEO, Device(path=Path(jitter_us=1000)), 60)
    arrival_us = np.minimum(picture.arrival_us, picture.arrival_us[0] + 55 * SECOND)

    assert starts(picture._replace(arrival_us=arrival_us)) == [picture.timestamp[0]]


def test_leaps_of_seconds_in_a_row_are_no_queue_that_drains() -> None:
    """A queue holds so much and no more: packets that each leap on make no hours of a second."""
    sound = make(SOUND, Device(path=Path()), 4)
    leap = np.arange(len(sound.timestamp)) * 5 * SOUND.rate // 2

    assert len(starts(sound._replace(timestamp=sound.timestamp + leap))) > 25
