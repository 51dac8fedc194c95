from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from isotrack.media.clock import Clock, fit_clocks
from isotrack.media.observations import ClockObservations, ticks_to_us
from isotrack.media.standstills import run_starts
from isotrack.media.streams import StreamPackets, StreamReport
from isotrack.rtp.packet import Packets
from isotrack.rtp.rtcp import ntp_from_unix_us

MEDIA = Path("tests/data/media")
START_US = 1_760_000_000_000_000
SECOND = 1_000_000
FILL_US = 10_000
"""Half a packet of sound."""


class Truth(NamedTuple):
    """A stream as it really was: RTP timestamps and the host's time of what they stand for."""

    timestamp: np.ndarray
    host_us: np.ndarray


def observed(
    rate: int,
    timestamp: np.ndarray,
    arrival_us: np.ndarray,
    reports: Sequence[tuple[int, int]] = (),
    *,
    chunk: int = 1000,
    payload: np.ndarray | None = None,
) -> ClockObservations:
    """What is seen of packets in the order of arrival, and of reports (NTP in us, timestamp)."""
    seen = ClockObservations(rate)
    order = np.argsort(arrival_us, kind="stable")
    length = np.ones(len(order), np.int64) if payload is None else payload
    for at in range(0, len(order), chunk):
        rows = order[at : at + chunk]
        zero = np.zeros(len(rows), np.int64)
        packets = Packets(
            buffer=np.zeros(0, np.uint8),
            sequence_number=zero.astype(np.uint16),
            timestamp=timestamp[rows].astype(np.uint32),
            marker=zero.astype(np.bool_),
            payload_type=zero.astype(np.uint8),
            ssrc=zero.astype(np.uint32),
            arrival_us=arrival_us[rows],
            payload_offset=zero,
            payload_length=length[rows],
            extension_profile=zero.astype(np.uint16),
            extension_offset=zero,
            extension_length=zero,
            restored=zero.astype(np.bool_),
        )
        seen.add_packets(StreamPackets(0, packets, rows, timestamp[rows]))
    for ntp_us, when in reports:
        seen.add_report(StreamReport(0, ntp_from_unix_us(ntp_us), when))
    return seen


def sound(
    seconds: float, *, ppm: float = 0, offset: int = 2**32 - 96_000, start_us: int = START_US
) -> Truth:
    """20 ms packets of a sender whose clock is fast by so much."""
    timestamp = offset + 960 * np.arange(int(seconds * 50))
    host = start_us + np.rint((timestamp - offset) / 48_000 * (1 - ppm / 1e6) * 1e6)
    return Truth(timestamp, host.astype(np.int64))


def video(
    seconds: float, *, ppm: float = 0, offset: int = 2**33 + 5, start_us: int = START_US
) -> Truth:
    """30 frames a second of two packets each."""
    timestamp = offset + 3000 * np.repeat(np.arange(int(seconds * 30)), 2)
    host = start_us + np.rint((timestamp - offset) / 90_000 * (1 - ppm / 1e6) * 1e6)
    return Truth(timestamp, host.astype(np.int64))


def noise(truth: Truth, seed: int, *, floor_us: int = 2000, jitter_us: int = 8000) -> np.ndarray:
    """Arrivals over a path with queues: an exponential jitter, as queues make it."""
    random = np.random.default_rng(seed)
    late = random.exponential(jitter_us, len(truth.host_us)).astype(np.int64)
    return truth.host_us + floor_us + late


def reports_of(
    truth: Truth, rate: int, *, every_s: int = 5, clock_us: int = 0, ppm: float = 0
) -> list[tuple[int, int]]:
    """Sender reports by a wall clock that is off by so much, and fast by `ppm`."""
    step = max(len(truth.timestamp) * every_s * rate // max(int(np.ptp(truth.timestamp)), 1), 1)
    return [
        (host + clock_us + int((host - START_US) * ppm / 1e6), when)
        for when, host in zip(
            truth.timestamp[::step].tolist(), truth.host_us[::step].tolist(), strict=True
        )
    ]


def errors_us(clock: Clock, truth: Truth, floor_us: int = 2000) -> np.ndarray:
    """How far the clock is off, but for the path's own delay, which nobody can know."""
    return clock.host_us(truth.timestamp) - floor_us - truth.host_us


def fill(truth: Truth) -> np.ndarray:
    """Sound is sent when its packet is full."""
    return truth.host_us + FILL_US


@pytest.mark.parametrize("ppm", [100, -100])
@pytest.mark.parametrize("whose", ["rtp", "ntp", "both"])
def test_reports_follow_a_clock_that_drifts_for_an_hour_to_a_millisecond(
    ppm: int, whose: str
) -> None:
    drifts = ppm if whose != "ntp" else 0
    speech, picture = sound(3600, ppm=drifts), video(3600, ppm=drifts)
    ntp = {"clock_us": -3 * 10**14, "ppm": ppm if whose != "rtp" else 0}
    streams = [
        observed(
            48_000,
            speech.timestamp,
            noise(speech, 1) + FILL_US,
            reports_of(speech, 48_000, **ntp),  # type: ignore[arg-type]
        ),
        observed(
            90_000,
            picture.timestamp,
            noise(picture, 2),
            reports_of(picture, 90_000, every_s=1, **ntp),  # type: ignore[arg-type]
        ),
    ]

    clocks = fit_clocks(streams, [FILL_US, 0])

    assert [clock.basis for clock in clocks] == ["sender_reports"] * 2
    for clock, truth in zip(clocks, (speech, picture), strict=True):
        assert np.abs(errors_us(clock, truth)).max() < 1000


def test_arrivals_alone_follow_a_clock_that_drifts_for_an_hour() -> None:
    speech, picture = sound(3600, ppm=100), video(3600, ppm=-50)
    streams = [
        observed(48_000, speech.timestamp, noise(speech, 3) + FILL_US),
        observed(90_000, picture.timestamp, noise(picture, 4)),
    ]

    clocks = fit_clocks(streams, [FILL_US, 0])

    assert [clock.basis for clock in clocks] == ["arrival"] * 2
    for clock, truth in zip(clocks, (speech, picture), strict=True):
        assert np.abs(errors_us(clock, truth)).max() < 1000


def test_a_sender_whose_clock_is_wrong_by_years_is_placed_by_the_hosts() -> None:
    speech = sound(60)
    years = -40 * 365 * 86_400 * SECOND
    stream = observed(
        48_000, speech.timestamp, noise(speech, 5), reports_of(speech, 48_000, clock_us=years)
    )

    (clock,) = fit_clocks([stream], [0])

    assert clock.basis == "sender_reports"
    assert np.abs(errors_us(clock, speech)).max() < 1000


def test_two_participants_with_clocks_hours_apart_line_up() -> None:
    hours = [-5 * 3600 * SECOND, 9 * 3600 * SECOND]
    both = []
    for seed, clock_us in enumerate(hours):
        truth = sound(120, offset=10**9 * (seed + 1))
        stream = observed(
            48_000,
            truth.timestamp,
            noise(truth, seed),
            reports_of(truth, 48_000, clock_us=clock_us),
        )
        (clock,) = fit_clocks([stream], [0])
        both.append(clock.host_us(truth.timestamp))

    assert np.abs(both[0] - both[1]).max() < 1000


def test_one_report_of_each_track_tells_them_apart_where_arrivals_cannot() -> None:
    speech, picture = sound(60), video(60)
    # The picture takes 40 ms to encode, so that it always arrives later than the sound.
    streams = [
        observed(48_000, speech.timestamp, noise(speech, 6), reports_of(speech, 48_000)[3:4]),
        observed(
            90_000,
            picture.timestamp,
            noise(picture, 7, floor_us=42_000),
            reports_of(picture, 90_000)[7:8],
        ),
    ]

    speech_clock, picture_clock = fit_clocks(streams, [0, 0])

    assert np.abs(errors_us(speech_clock, speech)).max() < 1000
    assert np.abs(errors_us(picture_clock, picture)).max() < 1000


def test_reports_that_contradict_the_arrivals_are_not_followed() -> None:
    speech, picture = sound(60), video(60)
    streams = [
        observed(48_000, speech.timestamp, noise(speech, 8), reports_of(speech, 48_000)),
        observed(
            90_000,
            picture.timestamp,
            noise(picture, 9),
            reports_of(picture, 90_000, clock_us=300_000),
        ),
    ]

    clocks = fit_clocks(streams, [0, 0])

    assert [clock.basis for clock in clocks] == ["arrival"] * 2
    for clock, truth in zip(clocks, (speech, picture), strict=True):
        assert np.abs(errors_us(clock, truth)).max() < 1500


@pytest.mark.parametrize("when_s", [100, 300, 580])
def test_a_senders_clock_that_is_set_anew_in_mid_call_is_not_followed(when_s: int) -> None:
    speech = sound(600)
    reports = [
        (ntp_us + (5 * SECOND if ntp_us > START_US + when_s * SECOND else 0), when)
        for ntp_us, when in reports_of(speech, 48_000)
    ]
    stream = observed(48_000, speech.timestamp, noise(speech, 10), reports)

    (clock,) = fit_clocks([stream], [0])

    assert np.abs(errors_us(clock, speech)).max() < 1500


def test_an_rtp_clock_that_stands_still_in_silence_is_anchored_anew() -> None:
    # Thirteen seconds of call in 0.84 s of RTP time (capture.md, section 4): 14 beeps of 60 ms.
    beeps = np.arange(42)
    timestamp = 2**32 + 960 * beeps
    host = START_US + (beeps // 3) * SECOND + (beeps % 3) * 20_000
    arrival = host + 12_000 + np.random.default_rng(11).integers(0, 3000, 42)

    for chunk in (1, 5, 42):
        (clock,) = fit_clocks([observed(48_000, timestamp, arrival, chunk=chunk)], [FILL_US])

        assert np.abs(clock.host_us(timestamp) - host).max() < 5000


def test_a_clock_that_stood_still_is_found_however_it_has_drifted() -> None:
    truth = sound(3600, ppm=-100)
    host = truth.host_us + np.where(np.arange(len(truth.host_us)) >= 125_000, 250_000, 0)
    stream = observed(48_000, truth.timestamp, noise(Truth(truth.timestamp, host), 12))

    (clock,) = fit_clocks([stream], [0])

    assert np.abs(errors_us(clock, Truth(truth.timestamp, host))).max() < 3000


@pytest.mark.parametrize("stall_s", [1, 3, 8])
@pytest.mark.parametrize("chunk", [1, 333, 10_000])
def test_a_network_stall_that_drains_does_not_anchor_anew(stall_s: int, chunk: int) -> None:
    truth = sound(60)
    arrival = noise(truth, 13, jitter_us=1000)
    stalled = (truth.host_us > START_US + 30 * SECOND) & (
        truth.host_us < START_US + (30 + stall_s) * SECOND
    )
    # All that was held up comes within a second.
    drain_us = np.linspace(0, SECOND, int(stalled.sum())).astype(np.int64)
    arrival[stalled] = START_US + (30 + stall_s) * SECOND + drain_us
    stream = observed(48_000, truth.timestamp, arrival, chunk=chunk)

    assert run_starts(stream.delays()) == [truth.timestamp[0]]
    (clock,) = fit_clocks([stream], [0])
    assert np.abs(errors_us(clock, truth)).max() < 1000


@pytest.mark.parametrize("chunk", [1, 100, 10_000])
def test_single_late_retransmissions_make_no_runs(chunk: int) -> None:
    truth = video(60)
    arrival = noise(truth, 14, jitter_us=2000)
    lost = np.random.default_rng(15).random(len(arrival)) < 0.05
    arrival[lost] += 300_000
    stream = observed(90_000, truth.timestamp, arrival, chunk=chunk)

    assert run_starts(stream.delays()) == [truth.timestamp[0]]


def test_a_queue_at_the_very_start_makes_no_run() -> None:
    truth = video(60)
    arrival = noise(truth, 16, jitter_us=1000)
    arrival[:60] = np.maximum(arrival[:60], START_US + SECOND)

    assert run_starts(observed(90_000, truth.timestamp, arrival).delays()) == [truth.timestamp[0]]


def test_an_rtp_clock_that_leaps_ahead_is_anchored_anew() -> None:
    truth = sound(120)
    timestamp = truth.timestamp + np.where(np.arange(6000) >= 3000, 48_000 * 2, 0)
    stream = observed(48_000, timestamp, noise(truth, 17))

    (clock,) = fit_clocks([stream], [0])

    assert np.abs(errors_us(clock, Truth(timestamp, truth.host_us))).max() < 1500


def test_a_stretch_that_heard_no_report_goes_on_with_those_that_did() -> None:
    speech, picture = sound(60), video(60, start_us=START_US)
    still = np.where(np.arange(3000) >= 2900, 3 * SECOND, 0)
    speech = Truth(speech.timestamp, speech.host_us + still)
    reports = [r for r in reports_of(speech, 48_000) if r[1] < speech.timestamp[2900]]
    streams = [
        observed(48_000, speech.timestamp, noise(speech, 18, floor_us=42_000), reports),
        observed(90_000, picture.timestamp, noise(picture, 19), reports_of(picture, 90_000)),
    ]

    speech_clock, picture_clock = fit_clocks(streams, [0, 0])

    assert speech_clock.basis == picture_clock.basis == "sender_reports"
    assert np.abs(errors_us(speech_clock, speech)).max() < 2000
    assert np.abs(errors_us(picture_clock, picture)).max() < 1000


@pytest.mark.parametrize("before", [0, 1, 1000, 150_000])
def test_a_wrap_of_the_timestamp_leaves_no_trace(before: int) -> None:
    truth = sound(300, offset=2**34 - 960 * 50 - before)
    stream = observed(48_000, truth.timestamp, noise(truth, 20), reports_of(truth, 48_000))

    (clock,) = fit_clocks([stream], [0])

    assert np.abs(errors_us(clock, truth)).max() < 1000


def test_padding_with_a_timestamp_of_the_future_does_not_move_the_clock() -> None:
    truth = sound(60)
    timestamp, payload = truth.timestamp.copy(), np.ones(3000, np.int64)
    timestamp[1500:1503] += 48_000 * 20
    payload[1500:1503] = 0
    stream = observed(48_000, timestamp, noise(truth, 21), payload=payload)

    (clock,) = fit_clocks([stream], [0])

    assert np.abs(errors_us(clock, truth)).max() < 1500
    sound_alone = observed(48_000, timestamp[payload > 0], noise(truth, 21)[payload > 0])
    assert all(
        np.array_equal(a, b) for a, b in zip(stream.delays(), sound_alone.delays(), strict=True)
    )


def test_what_is_seen_does_not_depend_on_how_it_is_chunked() -> None:
    truth = video(30)
    arrival = noise(truth, 22, jitter_us=60_000)
    whole = observed(90_000, truth.timestamp, arrival, chunk=10_000).delays()

    for chunk in (1, 17):
        parts = observed(90_000, truth.timestamp, arrival, chunk=chunk).delays()
        assert all(np.array_equal(a, b) for a, b in zip(parts, whole, strict=True))


def test_what_is_kept_of_an_hour_is_little() -> None:
    truth = video(3600)

    assert len(observed(90_000, truth.timestamp, noise(truth, 23)).delays().delay_us) < 3 * 3600


@pytest.mark.parametrize("capture", ["opus_dtx_vp8", "vp8_resize"])
def test_arrivals_alone_give_the_lip_sync_that_the_sfu_threw_away(capture: str) -> None:
    # Janus heard sender reports and did not forward them: they are the truth to be found again.
    tracks = json.loads((MEDIA / f"{capture}.times.json").read_text())
    streams = []
    for track in tracks:
        rate = 48_000 if track["kind"] == "audio" else 90_000
        arrival, _, timestamp = np.array(track["packets"], np.int64).T
        streams.append(observed(rate, timestamp, arrival))

    clocks = fit_clocks(streams, [FILL_US if t["kind"] == "audio" else 0 for t in tracks])

    late_us = [
        np.median([clock.host_us_at(when) - ntp_us for ntp_us, when in track["sender_reports"]])
        for clock, track in zip(clocks, tracks, strict=True)
    ]
    assert abs(late_us[0] - late_us[1]) < 1500
    assert all(0 < each < 3000 for each in late_us)  # sender and SFU ran on one machine


def test_ticks_become_microseconds_without_overflow() -> None:
    century = 100 * 365 * 86_400
    assert int(ticks_to_us(century * 90_000 + 1, 90_000)) == century * SECOND + 11


def test_one_packet_is_enough_for_a_clock() -> None:
    stream = observed(48_000, np.array([2**32 + 5]), np.array([START_US]))

    (clock,) = fit_clocks([stream], [FILL_US])

    assert clock.host_us_at(2**32 + 5) == START_US - FILL_US
