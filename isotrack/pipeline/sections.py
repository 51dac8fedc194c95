"""Sections of a lane: a single stream, or layers of simulcast of which one is seen at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from isotrack.media.lanes import Span
from isotrack.media.placed import Placed
from isotrack.media.simulcast import LayerSelector, Run


class StreamId(NamedTuple):
    """A stream of a source."""

    track: int
    """Index of the captured track."""
    ordinal: int
    """Of the stream in it."""


class Section(Protocol):
    """What plays in a lane until the next section begins."""

    @property
    def streams(self) -> Sequence[StreamId]:
        """Those whose frames are to be added."""

    @property
    def over(self) -> bool:
        """Whether nothing more can come."""

    @property
    def certain_us(self) -> int:
        """Nothing more comes that plays earlier."""

    def add(self, stream: StreamId, placed: Placed) -> None:
        """Take in frames."""

    def end_of(self, stream: StreamId) -> None:
        """Expect nothing more of a stream."""

    def take(self) -> list[tuple[StreamId, Placed]]:
        """The frames that are seen or heard, as far as that is certain."""


def section_of(spans: Sequence[Span]) -> Section:
    """The section of these streams."""
    return SingleStream(spans[0]) if len(spans) == 1 else SimulcastLayers(spans)


class SingleStream:
    """A stream that plays alone, up to where another takes its place."""

    certain_us = 0

    def __init__(self, span: Span) -> None:
        self._stream = StreamId(span.track, span.stream)
        self._until_us = span.until_us
        self._waiting: list[Placed] = []
        self.streams = (self._stream,)
        self.over = False

    def add(self, stream: StreamId, placed: Placed) -> None:
        """Take in frames."""
        del stream  # there is but one
        self._waiting.append(_before(placed, self._until_us))

    def end_of(self, stream: StreamId) -> None:
        """Expect nothing more."""
        self.over = self.over or stream == self._stream

    def take(self) -> list[tuple[StreamId, Placed]]:
        """All frames there are."""
        taken, self._waiting = self._waiting, []
        return [(self._stream, placed) for placed in taken if placed.count]


class SimulcastLayers:
    """Streams of one picture in several sizes; holds some seconds of each (`media.simulcast`)."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self.streams = tuple(StreamId(span.track, span.stream) for span in spans)
        self._until_us = [span.until_us for span in spans]
        self._selector = LayerSelector([span.rank for span in spans])
        self._held: list[deque[Placed]] = [deque() for _ in spans]
        self._first = [0] * len(spans)  # number of the first frame held
        self._left = set(self.streams)

    @property
    def over(self) -> bool:
        """Whether nothing more can come."""
        return not self._left

    @property
    def certain_us(self) -> int:
        """Nothing more comes that plays earlier."""
        return self._selector.shown_us

    def add(self, stream: StreamId, placed: Placed) -> None:
        """Take in frames of a layer."""
        layer = self.streams.index(stream)
        placed = _before(placed, self._until_us[layer])
        if placed.count:
            self._held[layer].append(placed)
            self._selector.add(layer, placed.time_us, placed.keyframe)

    def end_of(self, stream: StreamId) -> None:
        """Expect nothing more of a layer."""
        self._left.discard(stream)
        self._selector.end_of(self.streams.index(stream))

    def take(self) -> list[tuple[StreamId, Placed]]:
        """The frames that are seen, as far as that is certain."""
        taken = []
        for run in self._selector.choose():
            pieces = self._frames(run)
            if run.begins:
                pieces = self._begin(run, pieces)
            taken += [(self.streams[run.layer], piece) for piece in pieces if piece.count]
        for layer in range(len(self.streams)):
            self._drop(layer, self._selector.passed(layer))
        return taken

    def _frames(self, run: Run) -> list[Placed]:
        """The frames of a run; they are all held."""
        self._drop(run.layer, run.first)
        pieces, at = [], self._first[run.layer]
        for placed in self._held[run.layer]:
            start, end = max(run.first - at, 0), min(run.end - at, placed.count)
            if start < end:
                pieces.append(placed.part(start, end))
            at += placed.count
        return pieces

    def _begin(self, run: Run, pieces: Sequence[Placed]) -> list[Placed]:
        """A run of another layer than before: pictures that play before its keyframe are left out.

        They may need what was not shown, and something newer has been shown (H.265 calls them
        leading pictures).
        """
        first = pieces[0]
        after_loss = first.after_loss.copy()
        after_loss[0] = run.frozen  # what that layer lost before was not to be seen
        pieces = [first._replace(after_loss=after_loss), *pieces[1:]]
        begun_us = int(first.time_us[0])
        return [piece.kept(piece.time_us >= begun_us) for piece in pieces]

    def _drop(self, layer: int, number: int) -> None:
        """Let go of the frames before that number."""
        held = self._held[layer]
        while held and self._first[layer] + held[0].count <= number:
            self._first[layer] += held.popleft().count


def _before(placed: Placed, until_us: int | None) -> Placed:
    """The frames that play before a time."""
    return placed if until_us is None else placed.kept(placed.time_us < until_us)
