"""Lanes: which streams follow each other in one track of a file.

A camera that is published again goes on in the same track where the codec is the same; streams
that overlap, or have another codec, get a further track, so that nothing published is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """A stream that can be played, and when."""

    track: int
    """Index of the captured track."""
    stream: int
    """Ordinal of the stream in it."""
    kind: str
    codec: str
    start_us: int
    last_us: int
    """When its last frame begins."""
    end_us: int
    """When its last frame ends, as far as that is known."""


class Lane(NamedTuple):
    """Streams that make one track of a file, one after the other."""

    kind: str
    codec: str
    spans: tuple[Span, ...]

    @property
    def start_us(self) -> int:
        """When its first frame plays."""
        return self.spans[0].start_us

    @property
    def end_us(self) -> int:
        """When its last frame ends."""
        return max(span.end_us for span in self.spans)


def assign_lanes(spans: Sequence[Span]) -> list[Lane]:
    """Spread streams over as few lanes as there must be; video lanes first, the oldest first."""
    lanes: list[Lane] = []
    for span in sorted(spans, key=lambda s: (s.kind != "video", s.start_us, s.track, s.stream)):
        for i, lane in enumerate(lanes):
            follows = lane.spans[-1].last_us < span.start_us
            if follows and (lane.kind, lane.codec) == (span.kind, span.codec):
                lanes[i] = lane._replace(spans=(*lane.spans, span))
                break
        else:
            lanes.append(Lane(span.kind, span.codec, (span,)))
    return lanes
