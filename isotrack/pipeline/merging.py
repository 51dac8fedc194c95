"""The second reading of a source: the frames of all its lanes, merged in the order they play."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.media.placed import place
from isotrack.media.reader import TrackReader
from isotrack.media.silence import SilenceFiller
from isotrack.pipeline.chunks import ChunkReader
from isotrack.pipeline.queueing import NEVER, Due, LaneQueue, StreamId
from isotrack.pipeline.survey import Survey

WINDOW_US = 10_000_000
"""Frames of so long a time are merged at once."""


class Window(NamedTuple):
    """Frames of all lanes in the order they go into a file."""

    lane: NDArray[np.int64]
    time_us: NDArray[np.int64]
    keyframe: NDArray[np.bool_]
    after_loss: NDArray[np.bool_]
    size: NDArray[np.int64]
    body: list[memoryview]
    """[n] the bytes of each frame."""


class LaneMerger:
    """Merges the lanes of a survey; holds a few seconds of each and no more.

    Args:
        found: the survey.
        chunks: where the packets are read from again.
        start_us: where the source begins: audio lanes are led in with silence from there.
    """

    def __init__(self, found: Survey, chunks: ChunkReader, start_us: int) -> None:
        self._survey = found
        self._chunks = chunks
        self._start_us = start_us
        self.fillers = [
            SilenceFiller(start_us) if lane.kind == "audio" else None for lane in found.lanes
        ]
        """By lane; None for video."""

    def windows(self) -> Iterator[Window]:
        """The frames of the source, a stretch at a time."""
        lanes = [
            LaneQueue(self._streams(number), filler, self._start_us)
            for number, filler in enumerate(self.fillers)
        ]
        lane_of = {stream: lane for lane in lanes for stream in lane.streams}
        readings = [self._reading(index, lane_of) for index in range(len(self._survey.tracks))]
        done_us = self._start_us
        while (behind := min(lanes, key=lambda lane: lane.frontier_us)).frontier_us != NEVER:
            track = behind.next_track
            if not next(readings[track], False):
                for lane in lanes:
                    lane.end_of(track)
            frontier_us = min(lane.frontier_us for lane in lanes)
            last_us = max(lane.end_us for lane in lanes)
            # Pictures out of decode order may yet be due just at the frontier.
            complete_us = last_us if frontier_us == NEVER else frontier_us - 1
            while done_us < complete_us:
                done_us = min(done_us + WINDOW_US, complete_us)
                window = _merge([lane.take(done_us) for lane in lanes])
                if window is not None:
                    yield window

    def _streams(self, number: int) -> dict[StreamId, int]:
        """The streams of a lane in order, and how many frames each has."""
        lane, tracks = self._survey.lanes[number], self._survey.tracks
        return {
            StreamId(span.track, span.stream): tracks[span.track].extents[span.stream].frames
            for span in lane.spans
        }

    def _reading(self, index: int, lane_of: dict[StreamId, LaneQueue]) -> Iterator[bool]:
        """Read a track, a chunk with each step, into the lanes of its streams."""
        track = self._survey.tracks[index]
        reader = TrackReader(track.form)
        for records in chain(self._chunks.read(track.captured.chunks), [None]):
            for ordinal, frames in reader.finish() if records is None else reader.push(records):
                stream = StreamId(index, ordinal)
                lane_of[stream].add(stream, place(frames, track.clocks[ordinal]))
            yield True


def _merge(lanes: list[list[Due]]) -> Window | None:
    """The frames of all lanes in the order they are due; None when there are none."""
    pieces = [(number, piece) for number, lane in enumerate(lanes) for piece in lane]
    if not pieces:
        return None
    due = np.concatenate([piece.due_us for _, piece in pieces])
    order = np.argsort(due, kind="stable")
    bodies: list[memoryview] = []
    for _, (_, placed) in pieces:
        whole = memoryview(placed.body)
        ends = np.cumsum(placed.size).tolist()
        bodies += [whole[a:z] for a, z in pairwise([0, *ends])]
    counts = [piece.placed.count for _, piece in pieces]
    return Window(
        lane=np.repeat([number for number, _ in pieces], counts)[order],
        time_us=np.concatenate([piece.placed.time_us for _, piece in pieces])[order],
        keyframe=np.concatenate([piece.placed.keyframe for _, piece in pieces])[order],
        after_loss=np.concatenate([piece.placed.after_loss for _, piece in pieces])[order],
        size=np.concatenate([piece.placed.size for _, piece in pieces])[order],
        body=[bodies[i] for i in order.tolist()],
    )
