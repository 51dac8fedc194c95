"""Lanes: which streams make one track of a file.

A camera that is published again goes on in the same track where the codec is the same. Streams of
one captured picture that play at the same time are layers of simulcast, of which one is seen at a
time (`simulcast`). Other streams that overlap, or have another codec, get a further track, so that
nothing published is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

RESTART_US = 1_000_000
"""A stream that begins before another of its track ends, by no more than this, takes its place: a
publisher that restarted. Layers of simulcast play together for longer."""


MAX_LAYERS = 16
"""Layers of one picture at once: twice what can be announced, so that one may restart as well. Of
more, which only garbage is, the longest are taken."""


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
    """When its last packet with media plays."""
    rank: tuple[int, ...] = ()
    """Of the layers of a picture the highest is the best: by its size, then its bitrate."""
    until_us: int | None = None
    """From when on another stream plays in its place; None where it plays to its end."""

    @property
    def over_us(self) -> int:
        """When it is seen or heard for the last time."""
        return self.last_us if self.until_us is None else min(self.last_us, self.until_us - 1)


class Lane(NamedTuple):
    """Streams that make one track of a file, by their start."""

    kind: str
    codec: str
    spans: tuple[Span, ...]

    @property
    def start_us(self) -> int:
        """When its first frame plays; with simulcast it may be that of a layer not chosen."""
        return self.spans[0].start_us

    @property
    def sections(self) -> list[tuple[Span, ...]]:
        """What follows each other: single streams, and layers of simulcast together."""
        return list(_together(self.spans))

    @property
    def leader(self) -> Span:
        """The stream by which a decoder is set up: of the layers it begins with the highest."""
        return max(self.sections[0], key=lambda span: span.rank)


def assign_lanes(spans: Sequence[Span]) -> list[Lane]:
    """Spread streams over as few lanes as there must be; video lanes first, the oldest first."""
    lanes: list[Lane] = []
    for section in sorted(_sections(spans), key=lambda s: (s[0].kind != "video", s[0].start_us)):
        kind, codec = section[0].kind, section[0].codec
        for i, lane in enumerate(lanes):
            follows = max(span.over_us for span in lane.spans) < section[0].start_us
            if follows and (lane.kind, lane.codec) == (kind, codec):
                lanes[i] = lane._replace(spans=(*lane.spans, *section))
                break
        else:
            lanes.append(Lane(kind, codec, section))
    return lanes


def _sections(spans: Sequence[Span]) -> Iterator[tuple[Span, ...]]:
    """The streams that are seen or heard as one: layers together, all others alone."""
    for track in sorted({span.track for span in spans}):
        mine = sorted(
            (span for span in spans if span.track == track),
            key=lambda span: (span.start_us, span.stream),
        )
        mine = [_replaced(span, mine) for span in mine]
        if mine[0].kind == "video":
            yield from map(_longest, _together(mine))
        else:
            yield from ((span,) for span in mine)


def _replaced(span: Span, others: Sequence[Span]) -> Span:
    """The stream, cut short where one of the same track takes its place."""
    for other in others:
        overlap_us = span.last_us + 1 - other.start_us
        ends_first = other.last_us - span.last_us > overlap_us
        begins_first = other.start_us - span.start_us > overlap_us
        if 0 < overlap_us <= RESTART_US and begins_first and ends_first:
            return span._replace(until_us=other.start_us)
    return span


def _longest(section: tuple[Span, ...]) -> tuple[Span, ...]:
    """No more layers than there can be."""
    by_length = sorted(section, key=lambda span: span.start_us - span.last_us)
    kept = by_length[:MAX_LAYERS]
    return section if len(kept) == len(section) else tuple(s for s in section if s in kept)


def _together(spans: Sequence[Span]) -> Iterator[tuple[Span, ...]]:
    """Streams in the order they begin, those that overlap taken together."""
    section: list[Span] = []
    over_us = 0
    for span in spans:
        if section and span.start_us > over_us:
            yield tuple(section)
            section = []
        over_us = max(over_us, span.over_us) if section else span.over_us
        section.append(span)
    if section:
        yield tuple(section)
