"""The media of a source: the frames of all its lanes, merged in the order they play."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from isotrack.codecs.audio import audio_codec
from isotrack.media.lanes import Lane
from isotrack.media.placed import place
from isotrack.media.reader import StreamFrames, TrackCounts, TrackReader
from isotrack.media.silence import SilenceFiller
from isotrack.pipeline.blackening import BlackFiller
from isotrack.pipeline.chunks import ChunkReader
from isotrack.pipeline.orientation import OrientationLog
from isotrack.pipeline.ports import BlackPictures, PictureTurners
from isotrack.pipeline.queueing import NEVER, LaneQueue, Seen
from isotrack.pipeline.sections import StreamId, section_of
from isotrack.pipeline.survey import Survey
from isotrack.pipeline.turning import lane_turner
from isotrack.pipeline.windows import Window, window
from isotrack.recording.options import RemuxOptions

_DEFAULTS = RemuxOptions()

WINDOW_US = 30_000_000
"""Frames of so long a time are merged at once: a hole may be hours long."""


class LaneMerger:
    """Merges the lanes of a survey; holds a few seconds of each and no more.

    Args:
        found: the survey.
        chunks: where the packets are read from.
        start_us: where the source begins: audio lanes are led in with silence from there.
        turners: makes what turns pictures; without it they stay as published.
        options: how gaps are filled, and from when to when the tracks of a file go.
        pictures: makes black pictures; without it the last one stands in gaps.
    """

    def __init__(
        self,
        found: Survey,
        chunks: ChunkReader,
        start_us: int,
        turners: PictureTurners | None = None,
        options: RemuxOptions = _DEFAULTS,
        pictures: BlackPictures | None = None,
    ) -> None:
        self._survey = found
        self._chunks = chunks
        self._start_us = start_us
        self._end_us = max(span.over_us for lane in found.lanes for span in lane.spans)
        self._options = options
        self.readers = [
            TrackReader(track.form, [stream.known for stream in track.streams])
            for track in found.tracks
        ]
        """By track: what became of its packets."""
        self.fillers = [
            self._filler(lane) if lane.kind == "audio" else None for lane in found.lanes
        ]
        """By lane; None for video."""
        black = pictures if options.video_gaps == "black" else None
        self.black = [
            self._black_filler(lane, black) if lane.kind == "video" and black else None
            for lane in found.lanes
        ]
        """By lane; None for sound, and where the last picture stands."""
        self.queues = [self._queue(number) for number in range(len(found.lanes))]
        """By lane."""
        self.turners = [lane_turner(lane, found, chunks, turners) for lane in found.lanes]
        """By lane; None where nothing is announced of how the camera is held."""

    def windows(self) -> Iterator[Window]:
        """The frames of the source, a stretch at a time."""
        lanes = self.queues
        lane_of = {stream: lane for lane in lanes for stream in lane.streams}
        readings = [self._reading(index, lane_of) for index in range(len(self._survey.tracks))]
        done_us = self._start_us
        while (behind := min(lanes, key=lambda lane: lane.frontier_us)).frontier_us != NEVER:
            next(readings[behind.next_track])
            for lane in lanes:
                lane.advance()
            frontier_us = min(lane.frontier_us for lane in lanes)
            if frontier_us != NEVER:
                # Pictures out of decode order may yet be due just at the frontier.
                yield from self._take(lanes, done_us, frontier_us - 1)
                done_us = max(done_us, frontier_us - 1)
        end_us = max(lane.end_us for lane in lanes)
        yield from self._take(lanes, done_us, end_us)
        for lane in lanes:
            lane.close(end_us)

    def seen(self, lane: Lane) -> list[Seen]:
        """Which stream of a lane is seen or heard when, as far as it was gone through."""
        return self.queues[self._survey.lanes.index(lane)].seen

    def orientation(self, lane: Lane) -> OrientationLog:
        """How the pictures of a lane are turned, as far as they were gone through."""
        turner = self.turners[self._survey.lanes.index(lane)]
        return OrientationLog(fixed=True) if turner is None else turner.log

    def counts(self) -> list[TrackCounts]:
        """What became of the packets of each track, once all windows were gone through."""
        return [reader.counts() for reader in self.readers]

    def _filler(self, lane: Lane) -> SilenceFiller:
        form = self._survey.tracks[lane.spans[0].track].form
        codec = audio_codec(form.codec, form.clock_rate, form.channels, form.fmtp)
        return SilenceFiller(self._from_us(lane), codec)

    def _black_filler(self, lane: Lane, pictures: BlackPictures) -> BlackFiller:
        padded = self._options.track_span == "presence"
        start_us, end_us = (self._start_us, self._end_us) if padded else (None, None)
        return BlackFiller(lane.codec, pictures, self._size_at, start_us, end_us)

    def _from_us(self, lane: Lane) -> int:
        """Where a lane of sound begins."""
        return self._start_us if self._options.track_span == "presence" else lane.start_us

    def _queue(self, number: int) -> LaneQueue:
        return LaneQueue(
            [section_of(spans) for spans in self._survey.lanes[number].sections],
            self._start_us,
            silence=self.fillers[number],
            padded_us=self._end_us if self._options.track_span == "presence" else None,
            black=self.black[number],
        )

    def _size_at(self, stream: StreamId, time_us: int) -> tuple[int, int]:
        """Width and height of a stream's picture at a time."""
        clock = self._survey.tracks[stream.track].clocks[stream.ordinal]
        sizes = self.readers[stream.track].streams[stream.ordinal].assembler.sizes
        before = [size for size in sizes if clock.host_us_at(size.timestamp) <= time_us]
        size = (before or sizes)[-1 if before else 0]
        return size.width, size.height

    def _reading(self, index: int, lane_of: dict[StreamId, LaneQueue]) -> Iterator[None]:
        """Read a track, a chunk with each step, into the lanes of its streams."""
        track, reader = self._survey.tracks[index], self.readers[index]
        left = dict(enumerate(track.streams))

        def finish(over: Sequence[int]) -> None:
            for ordinal in over:
                del left[ordinal]
                add(reader.finish(ordinal))
                if (stream := StreamId(index, ordinal)) in lane_of:
                    lane_of[stream].end_of(stream)

        def add(found: Sequence[StreamFrames]) -> None:
            for ordinal, frames in found:
                if (stream := StreamId(index, ordinal)) in lane_of:
                    lane_of[stream].add(stream, place(frames, track.clocks[ordinal]))

        for chunk, records in self._chunks.read(track.captured.chunks):
            add(reader.push(records))
            finish([i for i, stream in left.items() if stream.last_chunk <= chunk])
            yield
        finish(list(left))
        yield

    def _take(self, lanes: Sequence[LaneQueue], start_us: int, end_us: int) -> Iterator[Window]:
        """The frames of all lanes due up to a time, in windows that are not too long."""
        while True:
            next_us = min(lane.next_us for lane in lanes)
            start_us = min(max(start_us + WINDOW_US, next_us), end_us)
            pieces = [
                (number, piece)
                for number, (lane, turner) in enumerate(zip(lanes, self.turners, strict=True))
                for due in lane.take(start_us)
                for piece in (turner.turn(due) if turner else [due])
            ]
            if pieces:
                yield window(pieces)
            if start_us >= end_us:
                return
