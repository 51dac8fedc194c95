"""What a sidecar says of a stream: where it is in a file, and how its time was found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from isotrack.media import clock as media
from isotrack.media.clock import Clock
from isotrack.media.lanes import Span
from isotrack.media.ranks import distinct
from isotrack.pipeline.clipping import Clip
from isotrack.pipeline.sections import StreamId
from isotrack.pipeline.survey import Survey
from isotrack.recording.sidecar_time import ClockPoint, ClockReport, Spread, Standstill
from isotrack.recording.sidecar_tracks import CapturedStream

MAX_POINTS = 1000
"""Of the clocks of all streams of a track."""

POINTS = 50
"""Of the clock of one stream."""

APART_S = 10
"""Points are no closer: the line is straight for so long."""

MAX_STANDSTILLS = 200


def stream_reports(spans: Sequence[Span], found: Survey, clip: Clip) -> list[CapturedStream]:
    """What is known of the streams of a track."""
    points = min(POINTS, MAX_POINTS // max(len(spans), 1))
    return [_stream(span, found, clip, points) for span in spans]


def layer_of(stream: StreamId, found: Survey) -> tuple[int, str | None]:
    """The SSRC of a stream, and its rid as announced or as its packets say."""
    surveyed = found.tracks[stream.track]
    return surveyed.streams[stream.ordinal].ssrc, surveyed.rids.get(stream.ordinal)


def _stream(span: Span, found: Survey, clip: Clip, points: int) -> CapturedStream:
    surveyed = found.tracks[span.track]
    track, last = surveyed.captured.track, surveyed.streams[span.stream].last_timestamp
    clock, first = surveyed.clocks[span.stream], surveyed.openings[span.stream].timestamp
    ticks = max(last - first, 0)
    steps = max(min(points - 1, ticks // (APART_S * clock.clock_rate)), 1)
    timestamps = first + ticks * np.arange(steps + 1, dtype=np.int64) // steps
    ssrc, rid = layer_of(StreamId(span.track, span.stream), found)
    return CapturedStream(
        track_id=track.track_id,
        track_type=track.track_type,
        ssrc=ssrc,
        rid=rid,
        start_ms=clip.ms(span.start_us),
        end_ms=clip.ms(span.over_us),
        clock=_clock(clock, distinct(timestamps), clip),
    )


def _clock(clock: Clock, timestamps: NDArray[np.int64], clip: Clip) -> ClockReport:
    fit = clock.fit
    points = zip(timestamps.tolist(), clock.host_us(timestamps).tolist(), strict=True)
    ahead_us = fit.sender_clock_us
    about = {
        "basis": fit.basis,
        "clock_rate": clock.clock_rate,
        "drift_ppm": round(fit.drift_ppm, 2),
        "lag_ms": fit.lag_us / 1000,
        "uncertainty_ms": fit.uncertainty_us / 1000,
        "reports": fit.reports,
        "reports_ignored": dict(fit.ignored),
        "report_residual_ms": _spread(fit.report_residual),
        "arrival_residual_ms": _spread(fit.arrival_residual),
        "sender_ahead_ms": None if ahead_us is None else ahead_us / 1000,
        "standstills": [
            Standstill(at_ms=clip.ms(each.host_us), length_ms=each.length_us // 1000)
            for each in fit.standstills[:MAX_STANDSTILLS]
        ],
        "mapping": [
            ClockPoint(rtp_timestamp=timestamp % 2**32, at_ms=clip.ms(host_us))
            for timestamp, host_us in points
        ],
    }
    return ClockReport.model_validate(about)


def _spread(spread: media.Spread | None) -> Spread | None:
    if spread is None:
        return None
    return Spread(
        median_ms=spread.median_us / 1000,
        p95_ms=spread.p95_us / 1000,
        max_ms=spread.max_us / 1000,
    )
