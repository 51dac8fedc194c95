"""Calls whose truth is known: when each frame was really captured, and what a recorder sees of it.

Everything is columns: hours of a call are made in a moment. True time is the SFU host's clock in
Unix microseconds; a sender's devices and clocks run beside it as badly as they do in the field.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from isotrack.media.clock import Clock
from isotrack.media.observations import ClockObservations
from isotrack.media.streams import StreamPackets, StreamSplitter
from isotrack.rtp.packet import Packets
from isotrack.rtp.rtcp import SenderReport, ntp_from_unix_us

START_US = 1_760_000_000_000_000
SECOND = 1_000_000
HOUR = 3600
PAYLOAD_TYPE = 96


class Queue(NamedTuple):
    """A queue on the path that fills, stays and drains."""

    start_s: float
    end_s: float
    us: int


class Path(NamedTuple):
    """The network between a sender and the SFU."""

    base_us: int = 5000
    jitter_us: int = 3000
    """Mean of what queues add, exponential as they make it."""
    loss: float = 0.0
    spikes: float = 0.0
    """Share of packets that come 300 ms late (sent again)."""
    queues: tuple[Queue, ...] = ()

    def arrival_us(self, sent_us: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """When what is sent comes, in the order of sending but for spikes."""
        late = random.exponential(self.jitter_us, len(sent_us))
        for queue in self.queues:
            at = (sent_us - START_US) / SECOND
            late += np.interp(
                at,
                [queue.start_s, queue.start_s + 1, queue.end_s - 1, queue.end_s],
                [0, queue.us, queue.us, 0],
            )
        came = np.maximum.accumulate(sent_us + self.base_us + late.astype(np.int64))
        came[random.random(len(came)) < self.spikes] += 300_000
        return came


class Device(NamedTuple):
    """A sender's machine: its wall clock, and the path from it."""

    clock_us: int = 0
    """By how much its wall clock is ahead of the host's."""
    clock_ppm: float = 0.0
    path: Path = Path()

    def ntp_us(self, true_us: np.ndarray) -> np.ndarray:
        """What its wall clock shows."""
        drift = np.rint((true_us - START_US) * self.clock_ppm / 1e6).astype(np.int64)
        return true_us + self.clock_us + drift


class Mute(NamedTuple):
    """A stretch without packets."""

    start_s: float
    end_s: float
    rtp: str = "on"
    """What the RTP clock does: goes `on`, stands `still`, or `leaps` five seconds besides."""


class Format(NamedTuple):
    """What a track is made of."""

    rate: int
    ticks: int
    """From frame to frame."""
    wait_us: int
    """From the capture of a frame's beginning to its sending: it must be full, or encoded."""
    wait_noise_us: int = 0
    report_s: float = 5.0


SOUND = Format(48_000, 960, 20_000)
"""Sent when 20 ms are full."""
BROWSER_SOUND = Format(48_000, 960, 10_500)
"""Chromium's reports count from the end of the first of two blocks of 10 ms (capture.md, 4)."""
VIDEO = Format(90_000, 3000, 6000, 3000, 1.0)


class Made(NamedTuple):
    """A track as it was: row by row the frames that were sent."""

    form: Format
    device: Device
    sequence: np.ndarray
    """Sequence numbers: those of lost frames are missing."""
    timestamp: np.ndarray
    """RTP timestamps, unwrapped as a recorder unwraps them."""
    capture_us: np.ndarray
    sent_us: np.ndarray
    arrival_us: np.ndarray
    received: np.ndarray
    """Which of them a recorder sees."""
    ticks_per_us: float


def make(
    form: Format,
    device: Device = Device(),  # noqa: B008  # a tuple
    seconds: float = 60,
    *,
    start_s: float = 0,
    ppm: float = 0,
    first: int = 2**32 - 96_000,
    mutes: Iterable[Mute] = (),
    lost_capture: Sequence[tuple[float, float]] = (),
    seed: int = 0,
) -> Made:
    """A track of a device.

    Args:
        form: of its frames.
        device: that sends it.
        seconds: how long.
        start_s: when it begins, after the start of the call.
        ppm: by how much its RTP clock is fast.
        first: its first RTP timestamp.
        mutes: when nothing is sent.
        lost_capture: at what second how many seconds were not captured while the RTP clock
            stood still.
        seed: of all chance.
    """
    random = np.random.default_rng(seed)
    ticks_per_us = form.rate * (1 + ppm / 1e6) / 1e6
    index = np.arange(int(seconds * form.rate * (1 + ppm / 1e6) / form.ticks))
    at_s = start_s + index * form.ticks / ticks_per_us / SECOND
    timestamp = 2**32 + first + index * form.ticks
    kept = np.ones(len(index), np.bool_)
    for mute in mutes:
        out = (at_s >= mute.start_s) & (at_s < mute.end_s)
        kept &= ~out
        if mute.rtp == "still":
            timestamp[at_s >= mute.end_s] -= int(out.sum()) * form.ticks
        elif mute.rtp == "leaps":
            timestamp[at_s >= mute.end_s] += 5 * form.rate
    for at, missing_s in lost_capture:
        at_s = at_s + np.where(at_s >= at, missing_s, 0)
    timestamp, at_s = timestamp[kept], at_s[kept]
    capture_us = START_US + np.rint(at_s * SECOND).astype(np.int64)
    wait = form.wait_us + random.exponential(max(form.wait_noise_us, 1), len(at_s)).astype(np.int64)
    sent_us = np.maximum.accumulate(capture_us + wait)
    arrival_us = device.path.arrival_us(sent_us, random)
    came = np.flatnonzero(random.random(len(at_s)) >= device.path.loss)
    columns = [column[came] for column in (timestamp, capture_us, sent_us, arrival_us)]
    received = np.ones(len(came), np.bool_)
    return Made(form, device, came + 65_000, *columns, received, ticks_per_us)


class Report(NamedTuple):
    """Sender reports: columns."""

    ntp_us: np.ndarray
    timestamp: np.ndarray
    arrival_us: np.ndarray

    def take(self, rows: np.ndarray | slice) -> Report:
        """Some of them."""
        return Report(*(column[rows] for column in self))


def reports(made: Made, *, every_s: float | None = None, noise_us: int = 5000) -> Report:
    """What the sender reports of a track all along, mutes or not.

    Its RTP time is that of its newest frame, counted on; devices deliver in blocks, so that it is
    off by some milliseconds.
    """
    random = np.random.default_rng(99)
    step = int((every_s or made.form.report_s) * SECOND)
    true_us = np.arange(made.capture_us[0] + step // 2, made.capture_us[-1], step)
    last = np.searchsorted(made.capture_us, true_us, side="right") - 1
    noise = random.integers(-noise_us, noise_us + 1, len(true_us)) if noise_us else 0
    on = (true_us - made.capture_us[last] + noise) * made.ticks_per_us
    timestamp = made.timestamp[last] + np.rint(on).astype(np.int64)
    arrival_us = made.device.path.arrival_us(true_us, random)
    return Report(made.device.ntp_us(true_us), timestamp, arrival_us)


def reports_from_arrival(made: Made, clock_us: int = -(10**15)) -> Report:
    """What an SFU reports that takes the arrival of a packet for its capture (mediasoup 3.14)."""
    step = int(made.form.report_s * SECOND)
    made_us = np.arange(made.arrival_us[0] + step // 2, made.arrival_us[-1], step)
    last = np.searchsorted(np.maximum.accumulate(made.arrival_us), made_us, side="right") - 1
    on = (made_us - made.arrival_us[last]) * made.form.rate / 1e6
    return Report(
        made_us + clock_us, made.timestamp[last] + np.rint(on).astype(np.int64), made_us + 200
    )


def packets_of(
    made: Made, rows: np.ndarray, shift_us: np.ndarray | None = None, restored: bool = False
) -> Packets:
    """Frames of one packet each, as a recorder sees them."""
    arrival = made.arrival_us[rows] + (0 if shift_us is None else shift_us[rows])
    zero = np.zeros(len(rows), np.int64)
    columns = {
        "buffer": np.zeros(0, np.uint8),
        "sequence_number": made.sequence[rows].astype(np.uint16),
        "timestamp": made.timestamp[rows].astype(np.uint32),
        "marker": zero.astype(np.bool_),
        "payload_type": np.full(len(rows), PAYLOAD_TYPE, np.uint8),
        "ssrc": zero.astype(np.uint32),
        "arrival_us": arrival,
        "payload_length": zero + 1,
        "restored": np.full(len(rows), restored),
    }
    return Packets(**{name: columns.get(name, zero) for name in Packets._fields})


def observe(
    made: Made,
    told: Report | None = None,
    *,
    chunk: int = 4000,
    host_steps: Sequence[tuple[float, int]] = (),
) -> ClockObservations:
    """What is seen of a track.

    Args:
        made: the track.
        told: the reports of it that come.
        chunk: packets seen at once.
        host_steps: at what second the host's clock was set, and by how much, in microseconds.
    """
    splitter = StreamSplitter([PAYLOAD_TYPE], made.form.rate)
    seen = ClockObservations(made.form.rate)
    order = np.argsort(made.arrival_us, kind="stable")
    order = order[made.received[order]]
    shift_us = _shift(made.arrival_us, host_steps)
    seconds = np.array([], np.int64) if told is None else told.arrival_us
    heard = 0
    for at in range(0, len(order), chunk):
        rows = order[at : at + chunk]
        for arrived in splitter.split(packets_of(made, rows, shift_us)):
            assert arrived.stream == 0, "the track came apart"
            seen.add_packets(arrived)
        last = at + chunk >= len(order)
        until = len(seconds) if last else int(np.searchsorted(seconds, made.arrival_us[rows[-1]]))
        if told is not None:
            _tell(seen, splitter, told.take(slice(heard, until)), host_steps)
        heard = max(heard, until)
    return seen


def _tell(
    seen: ClockObservations,
    splitter: StreamSplitter,
    told: Report,
    host_steps: Sequence[tuple[float, int]],
) -> None:
    came_us = told.arrival_us + _shift(told.arrival_us, host_steps)
    rows = zip(told.ntp_us.tolist(), told.timestamp.tolist(), came_us.tolist(), strict=True)
    for ntp_us, timestamp, arrival_us in rows:
        ntp = ntp_from_unix_us(ntp_us) if ntp_us else 0
        report = splitter.report(SenderReport(0, ntp, timestamp % 2**32, 0, 0))
        assert report is not None
        seen.add_report(report, arrival_us)


def _shift(true_us: np.ndarray, host_steps: Sequence[tuple[float, int]]) -> np.ndarray:
    shift = np.zeros(len(true_us), np.int64)
    for at_s, step_us in host_steps:
        shift[true_us >= START_US + at_s * SECOND] += step_us
    return shift


def errors_us(clock: Clock, made: Made) -> np.ndarray:
    """How far each frame is off, but for the path's own delay, which nobody can know."""
    return clock.host_us(made.timestamp) - made.capture_us - made.device.path.base_us


def apart_us(first: tuple[Clock, Made], second: tuple[Clock, Made]) -> np.ndarray:
    """How far two tracks are off each other, second by second while both are heard."""
    times = [made.capture_us for _, made in (first, second)]
    start, end = max(t[0] for t in times), min(t[-1] for t in times)
    at = np.arange(start, end, SECOND)
    for t in times:
        last = t[np.searchsorted(t, at, side="right") - 1]
        at = at[at - last < SECOND]
    errors = [errors_us(*each) for each in (first, second)]
    pair = [np.interp(at - START_US, t - START_US, e) for t, e in zip(times, errors, strict=True)]
    return np.abs(pair[0] - pair[1])


def arrived(packets: Packets, timestamp: np.ndarray) -> StreamPackets:
    """Packets of one stream whose counters are known."""
    return StreamPackets(0, packets, np.arange(packets.count), timestamp)
