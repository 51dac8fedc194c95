"""What a sidecar says of how loud a track is, and when somebody speaks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from isotrack.media.assembly import AudioAssembler
from isotrack.media.clock import Clock
from isotrack.media.lanes import Lane
from isotrack.media.loudness import LoudnessMeter
from isotrack.media.stretches import Stretches
from isotrack.pipeline.clipping import Clip
from isotrack.pipeline.merging import LaneMerger
from isotrack.pipeline.series import Levels, Steps, by_step
from isotrack.pipeline.survey import Survey
from isotrack.recording.sidecar_tracks import AudioLevel, Stretch

MAX_SPEECH = 10_000
"""Stretches of speech: as many as people make in hours."""


def audio_level(
    lane: Lane, found: Survey, merger: LaneMerger, clip: Clip
) -> tuple[AudioLevel | None, int]:
    """The levels of a track, None where no packet tells; and how many stretches were joined."""
    measured = [(meter, clock) for meter, clock in _meters(lane, found, merger) if meter.told]
    if not measured:
        return None, 0
    speech = clip.clipped(_speech(measured))
    steps = Steps.of(clip.end_us - clip.start_us)
    peak_dbov, mean_dbov = by_step(_levels(measured), clip.start_us, steps)
    level = AudioLevel(
        start_ms=0,
        step_ms=steps.step_s * 1000,
        peak_dbov=peak_dbov,
        mean_dbov=mean_dbov,
        speech=tuple(Stretch(start_ms=start, end_ms=end) for start, end in speech.ms),
        speech_ms=speech.total_ms,
    )
    return level, speech.joined


_Measured = list[tuple[LoudnessMeter, Clock]]


def _meters(lane: Lane, found: Survey, merger: LaneMerger) -> Iterator[tuple[LoudnessMeter, Clock]]:
    """What measured each stream of a lane, and its clock."""
    for span in lane.spans:
        streams = merger.readers[span.track].streams
        if span.stream < len(streams):  # a chunk may have gone between the two readings
            assembler = streams[span.stream].assembler
            assert isinstance(assembler, AudioAssembler)  # the lane is one of sound
            yield assembler.loudness, found.tracks[span.track].clocks[span.stream]


def _levels(measured: _Measured) -> Levels:
    columns = []
    for meter, clock in measured:
        second, peak, mean = meter.loudness()
        middle = second * clock.clock_rate + clock.clock_rate // 2
        columns.append((clock.host_us(middle), peak, mean))
    return Levels(*map(np.concatenate, zip(*columns, strict=True)))


def _speech(measured: _Measured) -> Stretches:
    stretches = Stretches(MAX_SPEECH)
    for meter, clock in measured:
        speech = meter.speech()
        bounds = clock.host_us(speech.start).tolist(), clock.host_us(speech.end).tolist()
        for start_us, end_us in zip(*bounds, strict=True):
            stretches.add(start_us, end_us)
    return stretches
