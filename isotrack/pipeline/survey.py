"""The first reading of a source: what is in it, what of it can be played, and when.

Nothing is written before all of this is known, so that sender reports at the end of a call place
its first frame just as well as its last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from isotrack.media.assembly import SUPPORTED_CODECS
from isotrack.media.clock import Clock, fit_clocks
from isotrack.media.frames import Frames
from isotrack.media.lanes import Lane, Span, assign_lanes
from isotrack.media.observations import ticks_to_us
from isotrack.media.reader import Stream, StreamFrames, TrackCounts, TrackFormat, TrackReader
from isotrack.pipeline.chunks import ChunkReader
from isotrack.recording.manifest import CapturedTrack

_LONGEST_FRAME_S = 1  # a picture that stands longer does so because nothing came after it


@dataclass
class Extent:
    """The RTP time over which one stream has frames."""

    first: int = 0
    last: int = 0
    """The latest timestamp."""
    length: int = 0
    """Ticks the frame of that timestamp lasts."""
    shortest: int = 0
    """Ticks of the shortest packet of sound: half of it passes before a packet can be sent."""
    frames: int = 0

    def add(self, frames: Frames, clock_rate: int) -> None:
        """Extend to further frames, at least one."""
        timestamp, duration = frames.timestamp, frames.duration
        first, latest = int(timestamp.min()), int(timestamp.argmax())
        last, length = int(timestamp[latest]), int(duration[latest])
        if length:
            shortest = int(duration.min())
            self.shortest = min(self.shortest, shortest) if self.frames else shortest
        else:  # video: as long as the frame before it
            earlier = np.append(timestamp[timestamp < last], [self.last] * bool(self.frames))
            length = last - int(earlier.max()) if len(earlier) else clock_rate // 30
            length = min(length, _LONGEST_FRAME_S * clock_rate)
        self.first = min(self.first, first) if self.frames else first
        if last > self.last or not self.frames:
            self.last, self.length = last, length
        self.frames += len(timestamp)


@dataclass
class SurveyedTrack:
    """A captured track and what was found in it."""

    captured: CapturedTrack
    form: TrackFormat
    streams: list[Stream]
    counts: TrackCounts
    extents: list[Extent]
    clocks: dict[int, Clock] = field(default_factory=dict)
    """By stream ordinal; only of streams that can be played."""


@dataclass(frozen=True)
class Survey:
    """A source as captured, ready to be written."""

    tracks: Sequence[SurveyedTrack]
    lanes: Sequence[Lane]
    unsupported: Sequence[str]
    """Codecs that cannot be remuxed, as announced."""

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds that can be played."""
        return frozenset(lane.kind for lane in self.lanes)


def track_format(captured: CapturedTrack) -> TrackFormat:
    """How to read the packets of a captured track."""
    track = captured.track
    return TrackFormat(
        codec=track.codec,
        payload_type=track.payload_type,
        clock_rate=track.clock_rate,
        channels=track.channels,
        ssrc=track.ssrc,
        fmtp=dict(track.fmtp),
    )


def survey(captured: Iterable[CapturedTrack], chunks: ChunkReader) -> Survey:
    """Read all tracks of a source once."""
    tracks, unsupported = [], []
    for each in captured:
        if each.track.codec in SUPPORTED_CODECS:
            tracks.append(_survey_track(each, chunks))
        else:
            unsupported.append(each.track.mime_type)
    _fit(tracks)
    spans = [span for i, track in enumerate(tracks) for span in _spans(i, track)]
    return Survey(tracks, assign_lanes(spans), unsupported)


def _survey_track(captured: CapturedTrack, chunks: ChunkReader) -> SurveyedTrack:
    form = track_format(captured)
    reader = TrackReader(form)
    extents: dict[int, Extent] = {}
    for records in chunks.read(captured.chunks):
        _extend(extents, reader.push(records), form.clock_rate)
    _extend(extents, reader.finish(), form.clock_rate)
    ordered = [extents.get(i, Extent()) for i in range(len(reader.streams))]
    return SurveyedTrack(captured, form, reader.streams, reader.counts(), ordered)


def _extend(extents: dict[int, Extent], found: Iterable[StreamFrames], clock_rate: int) -> None:
    for each in found:
        extents.setdefault(each.stream, Extent()).add(each.frames, clock_rate)


def _fit(tracks: Sequence[SurveyedTrack]) -> None:
    """Fit the clocks of all playable streams together: they have one sender."""
    places, observations, fills = [], [], []
    for track in tracks:
        for ordinal, extent in enumerate(track.extents):
            if extent.frames:
                places.append((track, ordinal))
                observations.append(track.streams[ordinal].clock)
                fills.append(extent.shortest * 500_000 // track.form.clock_rate)
    for (track, ordinal), clock in zip(places, fit_clocks(observations, fills), strict=True):
        track.clocks[ordinal] = clock


def _spans(index: int, track: SurveyedTrack) -> list[Span]:
    spans = []
    for ordinal, clock in track.clocks.items():
        extent = track.extents[ordinal]
        last_us = clock.host_us_at(extent.last)
        spans.append(
            Span(
                track=index,
                stream=ordinal,
                kind=track.form.kind,
                codec=track.form.codec,
                start_us=clock.host_us_at(extent.first),
                last_us=last_us,
                end_us=last_us + int(ticks_to_us(extent.length, clock.clock_rate)),
            )
        )
    return spans
