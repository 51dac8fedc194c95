"""Frames that were read and written long ago, once more: what a decoder needs to begin in between.

Browsers send a keyframe when somebody asks for one, minutes apart. Nobody keeps all of that in
memory for the rare camera that is turned; the chunks are still there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice

from isotrack.media.reader import TrackReader
from isotrack.pipeline.chunks import ChunkReader
from isotrack.pipeline.survey import SurveyedTrack


def frames_from(
    keyframe: bytes, time_us: int, skip: int, tracks: Sequence[SurveyedTrack], chunks: ChunkReader
) -> Iterator[bytes]:
    """The frames of a stream from a keyframe on; none if it is not to be found any more.

    Args:
        keyframe: the frame itself, by which its stream is known among the layers of a track.
        time_us: when it plays, on the host's clock.
        skip: how many frames that are the same are passed over: a covered camera has many.
        tracks: those it may be of.
        chunks: where their packets are.
    """
    for track in tracks:
        arrived = [chunk.first_arrival_us for chunk in track.captured.chunks]
        # It came behind its time, and its packets wait for their order, but not longer than that;
        # where clocks went astray, it is looked for from the beginning.
        nearby = max(bisect_right(arrived, time_us) - 2, 0)
        for first in dict.fromkeys((nearby, 0)):
            frames = _behind(keyframe, skip, _stream_frames(track, chunks, first))
            for frame in frames:
                yield keyframe
                yield frame
                yield from frames
                return


def _behind(keyframe: bytes, skip: int, frames: Iterator[tuple[int, bytes]]) -> Iterator[bytes]:
    """The frames of the stream of a keyframe that follow it."""
    same = (stream for stream, frame in frames if frame == keyframe)
    stream = next(islice(same, skip, None), None)
    return (frame for other, frame in frames if other == stream)


def _stream_frames(
    track: SurveyedTrack, chunks: ChunkReader, first: int
) -> Iterator[tuple[int, bytes]]:
    """All frames of a track from a chunk on, each with the ordinal of its stream."""
    reader = TrackReader(track.form)
    for _, records in chunks.read(track.captured.chunks[first:]):
        for ordinal, frames in reader.push(records):
            yield from ((ordinal, frames.frame(i)) for i in range(frames.count))
    for ordinal in range(len(reader.streams)):
        for _, frames in reader.finish(ordinal):
            yield from ((ordinal, frames.frame(i)) for i in range(frames.count))
