"""The first look at a source: what is in it, what of it can be played, and when.

Nothing is written before all of this is known, so that sender reports at the end of a call place
its first frame just as well as its last. It takes the ends of the chunks, and the media of the
first ones, up to where every stream has shown that it can be played.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from isotrack.media.clock import Clock, fit_clocks
from isotrack.media.lanes import Lane, Span, assign_lanes
from isotrack.media.outline import StreamOutline, TrackOutliner
from isotrack.media.reader import StreamFrames, TrackReader
from isotrack.media.track_format import TrackFormat
from isotrack.pipeline.chunks import ChunkReader
from isotrack.pipeline.formats import track_format
from isotrack.recording.manifest import CapturedTrack
from isotrack.recording.options import HIGHEST
from isotrack.recording.tracks import Track
from isotrack.rtp import absolute_capture_time
from isotrack.rtp.extensions import element


@dataclass(frozen=True)
class Opening:
    """How a stream begins, as far as it can be played."""

    timestamp: int
    """Unwrapped RTP timestamp of its first frame."""
    shortest: int
    """Ticks of the shortest packet of sound seen: half of it passes before a packet can be sent."""
    width: int
    height: int
    configuration: bytes
    """Matroska's CodecPrivate (video)."""


@dataclass
class SurveyedTrack:
    """A captured track and what was found in it."""

    captured: CapturedTrack
    form: TrackFormat
    streams: Sequence[StreamOutline]
    openings: dict[int, Opening]
    """By stream ordinal; only of streams that can be played."""
    problem: str
    """Why nothing of it can be played; empty when something can."""
    rids: dict[int, str] = field(default_factory=dict)
    """By stream ordinal: the layer of simulcast it is, where that has a name."""
    clocks: dict[int, Clock] = field(default_factory=dict)
    """By stream ordinal, as `openings`."""


@dataclass(frozen=True)
class Survey:
    """A source as captured, ready to be written."""

    tracks: Sequence[SurveyedTrack]
    lanes: Sequence[Lane]
    unsupported: Sequence[str]
    """Why tracks cannot be remuxed: their codecs, as announced."""

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds that can be played."""
        return frozenset(lane.kind for lane in self.lanes)


def survey(captured: Iterable[CapturedTrack], chunks: ChunkReader, layer: str = HIGHEST) -> Survey:
    """Look at all tracks of a source.

    Args:
        captured: its tracks.
        chunks: where their packets are read from.
        layer: the rid of the only layer wanted of those that have it; HIGHEST takes all.
    """
    tracks, unsupported = [], []
    for each in captured:
        try:
            form = track_format(each.track)
        except ValueError as error:
            unsupported.append(str(error))
        else:
            tracks.append(_survey_track(each, form, chunks))
    for track in tracks:
        _leave_layers_out(track, layer)
    _fit(tracks)
    spans = [span for i, track in enumerate(tracks) for span in _spans(i, track)]
    return Survey(tracks, assign_lanes(spans), unsupported)


def _survey_track(captured: CapturedTrack, form: TrackFormat, chunks: ChunkReader) -> SurveyedTrack:
    outliner = TrackOutliner(form)
    whole = _names_capture_times(captured, form, chunks)
    for headers in chunks.outlines(captured.chunks, whole=whole):
        outliner.push(headers)
    reader = TrackReader(form, [stream.known for stream in outliner.streams])
    openings, problem = _open(captured, reader, outliner.streams, chunks)
    rids = _rids(captured.track, outliner.streams, reader.rids)
    return SurveyedTrack(captured, form, outliner.streams, openings, problem, rids)


def _names_capture_times(captured: CapturedTrack, form: TrackFormat, chunks: ChunkReader) -> bool:
    """Whether packets name the time of their capture, so that all are to be looked into.

    Many tracks announce that they may, and few do. Those that do begin with it.
    """
    identifier = form.header_extensions.get(absolute_capture_time.URI)
    if identifier is None:
        return False
    for headers in chunks.outlines(captured.chunks[:1], whole=True):
        offset, _ = element(headers.packets, identifier)
        return bool((offset >= 0).any())
    return False


def _open(
    captured: CapturedTrack,
    reader: TrackReader,
    streams: Sequence[StreamOutline],
    chunks: ChunkReader,
) -> tuple[dict[int, Opening], str]:
    """Read media until every stream has shown a frame, or all of it if one does not."""
    openings: dict[int, Opening] = {}
    awaited = {ordinal for ordinal, stream in enumerate(streams) if stream.has_media}
    for found in _frames(captured, reader, streams, chunks) if awaited else ():
        for ordinal, frames in found:
            # A chunk that was missing at first may have streams that nobody knows a time of.
            if ordinal < len(streams) and ordinal not in openings:
                assembler = reader.streams[ordinal].assembler
                size = assembler.sizes[0] if assembler.sizes else None
                openings[ordinal] = Opening(
                    timestamp=int(frames.timestamp.min()),
                    shortest=int(frames.duration.min()),
                    width=size.width if size else 0,
                    height=size.height if size else 0,
                    configuration=assembler.configuration,
                )
        if awaited <= openings.keys():
            break
    counts = reader.counts()
    if openings:
        problem = ""
    elif not counts.received:
        problem = "no packet of the announced payload type and SSRC came"
    else:
        problem = (
            f"{counts.received} packets came, but no decodable frame "
            f"({counts.frames_left_out} left out)"
        )
    return openings, problem


def _frames(
    captured: CapturedTrack,
    reader: TrackReader,
    streams: Sequence[StreamOutline],
    chunks: ChunkReader,
) -> Iterator[list[StreamFrames]]:
    """The frames of a track, chunk by chunk; those of a stream that is over come with its last."""
    left = dict(enumerate(streams))
    for index, records in chunks.read(captured.chunks, singly=True):
        found = reader.push(records)
        for ordinal in [each for each, stream in left.items() if stream.last_chunk <= index]:
            del left[ordinal]
            found += reader.finish(ordinal)
        yield found
    yield [frames for ordinal in left for frames in reader.finish(ordinal)]


def _rids(
    track: Track, streams: Sequence[StreamOutline], learned: Mapping[int, str]
) -> dict[int, str]:
    """The name of each stream's layer: as announced, or as its packets say."""
    announced = {layer.ssrc: layer.rid for layer in track.layers}
    names = [(announced.get(stream.ssrc) or learned.get(stream.ssrc)) for stream in streams]
    return {ordinal: rid for ordinal, rid in enumerate(names) if rid}


def _leave_layers_out(track: SurveyedTrack, layer: str) -> None:
    """Leave nothing of a track but one layer, where the track has it; nobody asks others for it."""
    known = {*track.rids.values(), *(each.rid for each in track.captured.track.layers)}
    if layer == HIGHEST or layer not in known:
        return
    track.openings = {i: each for i, each in track.openings.items() if track.rids.get(i) == layer}
    if not track.openings and not track.problem:
        track.problem = f"nothing of layer {layer!r} can be played"


def _fit(tracks: Sequence[SurveyedTrack]) -> None:
    """Fit the clocks of all playable streams together: they have one sender."""
    places, observations, fills = [], [], []
    for track in tracks:
        for ordinal, opening in track.openings.items():
            places.append((track, ordinal))
            observations.append(track.streams[ordinal].clock)
            fills.append(opening.shortest * 500_000 // track.form.clock_rate)
    for (track, ordinal), clock in zip(places, fit_clocks(observations, fills), strict=True):
        track.clocks[ordinal] = clock
    for track in tracks:
        for stream in track.streams:
            stream.clock.forget()


def _spans(index: int, track: SurveyedTrack) -> list[Span]:
    spans = []
    for ordinal, clock in sorted(track.clocks.items()):
        opening, outline = track.openings[ordinal], track.streams[ordinal]
        last = max(outline.last_timestamp, opening.timestamp)
        start_us, last_us = clock.host_us(np.array([opening.timestamp, last], np.int64)).tolist()
        spans.append(
            Span(
                track=index,
                stream=ordinal,
                kind=track.form.kind,
                codec=track.form.codec,
                start_us=start_us,
                last_us=last_us,
                rank=(opening.width * opening.height, _bitrate(outline)),
            )
        )
    return spans


def _bitrate(outline: StreamOutline) -> int:
    """Bytes of payload in a second that has any."""
    size = outline.activity.by_second().size
    return int(size.sum()) // max(len(size), 1)
