"""When the media of a file was captured, and how sure that is: parts of the sidecar."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from isotrack.recording.tracks import Frozen

Basis = Literal["abs_capture_time", "sender_reports", "arrival"]
"""What places a stream, the surest first. `abs_capture_time`: packets that say when they were
captured. `sender_reports`: RTCP (RFC 3550 section 6.4.1). `arrival`: packets have come, and no more
is known: sound and picture may be apart by what encoding took."""


Confidence = Literal["high", "medium", "low"]


class Bounds(Frozen):
    """The least and the most of something in milliseconds."""

    least_ms: float
    most_ms: float


class WallClock(Frozen):
    """What is known about the clock that all times of a recording are of."""

    source: Literal["sfu_host_arrivals"] = "sfu_host_arrivals"
    """The host of the SFU noted when each packet came. All participants share this clock."""
    host_synchronized: Literal["unknown"] = "unknown"
    """Nobody recorded if the host itself was set by NTP: against true time all files of a recording
    may be off, all by as much."""
    host_set_back: int
    """How often the host's clock was seen to be set back while packets came."""
    sender_ahead_ms: Bounds | None
    """By how much the wall clocks of the sender were ahead of the host's; None if it told none. No
    time is taken from them: a clock that is far off is only worth knowing."""


class Timeline(Frozen):
    """Where the file lies in time."""

    recording_started_at: AwareDatetime
    """Zero of the timeline that all files of the recording share."""
    offset_ms: int
    """Where this file begins on that timeline."""
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    duration_ms: int
    wall_clock: WallClock


class Spread(Frozen):
    """Distances from a line."""

    median_ms: float
    p95_ms: float
    max_ms: float


class Standstill(Frozen):
    """The RTP clock of a stream stood still, as some do while muted, and went on."""

    at_ms: int
    """When it went on."""
    length_ms: int
    """For how long it stood; negative of a clock that leapt ahead."""


class ClockPoint(Frozen):
    """An RTP timestamp, as it is in packets, and where it is in the file."""

    rtp_timestamp: int
    at_ms: int


class ClockReport(Frozen):
    """How the RTP time of a stream became time of the file, and how well it fits."""

    basis: Basis
    clock_rate: int
    """RTP ticks per second."""
    drift_ppm: float
    """By how much the sender's RTP clock is fast. It is followed: nothing in the file drifts."""
    lag_ms: float
    """How much later than captured its packets came at best, but for the path and for the time they
    take to fill: encoding, as a rule. It is taken off."""
    uncertainty_ms: float
    """How far a capture may lie from where it is placed, but for the delay of the path."""
    reports: int
    """Sender reports, or packets with a capture time, that the line follows."""
    reports_ignored: dict[str, int]
    """How many more there were, by why they were not followed."""
    report_residual_ms: Spread | None
    """Of those that were, from the line; None without any."""
    arrival_residual_ms: Spread
    """Of the least delay of each second, from the floor of delays: queues on the path."""
    sender_ahead_ms: float | None
    """By how much the sender's wall clock is ahead of the host's; None where it is unknown."""
    standstills: tuple[Standstill, ...]
    mapping: tuple[ClockPoint, ...]
    """Points of the line, evenly spread: between them it is straight, but for standstills."""


class Sync(Frozen):
    """How sure the times are: for people."""

    basis: Basis
    """The least sure basis of all streams in the file."""
    worst_residual_ms: float
    """The largest of the residuals of all streams: 95 % of the reports are nearer to the line; of a
    stream without reports, half of the arrivals."""
    worst_uncertainty_ms: float
    """The largest of the uncertainties of all streams."""
    confidence: Confidence
    """By the rules in `isotrack.recording.verdicts`."""
    reasons: tuple[str, ...]
