"""One output file: frames in the order they play become clusters, written as they fill."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from isotrack.matroska.blocks import HEADER_SIZE, block_headers
from isotrack.matroska.tracks import TrackEntry
from isotrack.matroska.writer import MatroskaWriter
from isotrack.media.lanes import Lane
from isotrack.pipeline.extents import LaneExtent
from isotrack.pipeline.ports import ObjectWriter
from isotrack.pipeline.windows import Window, joined

CLUSTER_US = 5_000_000
"""A cluster spans no more, so that seeking in sound alone is quick."""

CLUSTER_BYTES = 4 << 20
"""A cluster that has more ends with the frame at hand: it is held in memory until it is whole."""

MAX_SHIFT_MS = 100
"""By how much a picture may be late to have a time of its own; beyond it nobody films so fast."""


class OutputMuxer:
    """Writes one file. Times in it are milliseconds from its own start.

    Args:
        lanes: all lanes of the source.
        chosen: numbers of the lanes in this file; they are its tracks 1, 2, ... in that order.
        start_us: when the file begins; frames before it (silence that leads in) are left out.
        writer: makes the Matroska elements.
        target: where the bytes go.
    """

    def __init__(
        self,
        lanes: Sequence[Lane],
        chosen: Sequence[int],
        start_us: int,
        writer: MatroskaWriter,
        target: ObjectWriter,
    ) -> None:
        self._number = np.zeros(len(lanes), np.int64)
        self._number[list(chosen)] = np.arange(1, len(chosen) + 1)
        self._takes_all = len(chosen) == len(lanes)
        self._cued = next((c for c in chosen if lanes[c].kind == "video"), chosen[0])
        self._by_keyframe = lanes[self._cued].kind == "video"
        self._start_us = start_us
        self._writer = writer
        self._target = target
        self._waiting: Window | None = None
        self._last_ms: dict[int, tuple[int, int]] = {}
        """By lane: when its latest picture is due, and when it stands in the file."""
        self.extents = {c: LaneExtent(is_video=lanes[c].kind == "video") for c in chosen}
        """By lane: what of it is in the file."""
        target.write(writer.head())

    @property
    def end_us(self) -> int:
        """When the last frame ends."""
        return max(self._start_us, *(extent.end_us for extent in self.extents.values()))

    def push(self, window: Window) -> None:
        """Add the window's frames that belong to this file."""
        frames = self._chosen(window)
        for lane, extent in self.extents.items():
            mine = slice(None) if len(self.extents) == 1 else np.flatnonzero(frames.lane == lane)
            extent.add(
                frames.time_us[mine],
                frames.duration_us[mine],
                frames.after_loss[mine],
                frames.keyframe[mine],
            )
        if self._waiting is not None:
            frames = joined(self._waiting, frames)
        ends = list(self._cluster_ends(frames))
        self._write_clusters(frames, ends)
        self._waiting = frames.take(slice(ends[-1], None)) if ends else frames

    def commit(self, tracks: Sequence[TrackEntry]) -> None:
        """Write what is left, and make the file visible.

        Args:
            tracks: as they are known now, each of the same size as it was in the beginning.
        """
        if self._waiting is not None and self._waiting.count:
            self._write_clusters(self._waiting, [self._waiting.count])
        self._waiting = None
        duration_ms = (self.end_us - self._start_us + 500) // 1000
        tail, head = self._writer.finish(tracks, duration_ms)
        self._target.write(tail)
        self._target.commit(head)

    def _chosen(self, window: Window) -> Window:
        """The frames of a window that go into this file."""
        if self._takes_all and window.time_us.min() >= self._start_us:
            return window
        mask = (self._number[window.lane] > 0) & (window.time_us >= self._start_us)
        return window if mask.all() else window.take(mask)

    def _cluster_ends(self, frames: Window) -> Iterator[int]:
        """Where each cluster ends: at a frame to enter at, or where there is too much for one."""
        if self._by_keyframe:
            entries = np.flatnonzero(frames.keyframe & (frames.lane == self._cued)).tolist()
        else:
            entries = []
        total = np.cumsum(frames.size)
        start, count = 0, frames.count
        entries.append(count)
        following = 0
        while start < count:
            while entries[following] <= start:
                following += 1
            full = int(np.searchsorted(total, CLUSTER_BYTES + (total[start - 1] if start else 0)))
            end = min(entries[following], full + 1)
            # Timestamps of a broken sender may go back.
            far = np.abs(frames.time_us[start:end] - frames.time_us[start]) >= CLUSTER_US
            if far.any():
                end = start + int(far.argmax())
            if end >= count:
                return
            yield end
            start = end

    def _write_clusters(self, frames: Window, ends: Sequence[int]) -> None:
        """Write the frames up to the last of these ends, as a cluster up to each."""
        if not ends:
            return
        starts, count = [0, *ends[:-1]], ends[-1]
        lane, size, keyframe = frames.lane[:count], frames.size[:count], frames.keyframe[:count]
        ms = self._distinct((frames.time_us[:count] - self._start_us + 500) // 1000, lane)
        base = ms[starts]
        relative = ms - np.repeat(base, np.diff([0, *ends]))
        frames.write_headers(block_headers(size, self._number[lane], relative, keyframe))
        offsets = np.concatenate(([0], np.cumsum(size + HEADER_SIZE)))
        cued = np.flatnonzero((lane == self._cued) & keyframe)
        number = int(self._number[self._cued])
        for i, pieces in enumerate(frames.runs(ends)):
            start, end = starts[i], ends[i]
            mine = cued[slice(*np.searchsorted(cued, (start, end)))]
            cues = [
                (number, int(relative[k]), int(offsets[k] - offsets[start]))
                for k in (mine if self._by_keyframe else mine[:1]).tolist()
            ]
            header = self._writer.cluster(int(base[i]), int(offsets[end] - offsets[start]), cues)
            self._target.writelines([header, *pieces])

    def _distinct(self, ms: NDArray[np.int64], lane: NDArray[np.int64]) -> NDArray[np.int64]:
        """Times of which no two of a picture track are equal: players would show one of the two.

        Where pictures play out of decode order, and where there are more of them than milliseconds
        for long, their times are left as they are.
        """
        for number, extent in self.extents.items():
            rows = np.flatnonzero(lane == number) if len(self.extents) > 1 else np.arange(len(ms))
            if not extent.is_video or not len(rows):
                continue
            mine = ms[rows]
            before, last = self._last_ms.get(number, (int(mine[0]) - 1, int(mine[0]) - 1))
            steps = np.diff(mine, prepend=before)
            self._last_ms[number] = int(mine[-1]), int(mine[-1])
            if steps.min() == 0 or (steps.min() > 0 and mine[0] <= last):
                place = np.arange(len(rows))
                distinct = np.maximum(np.maximum.accumulate(mine - place), last + 1) + place
                if (distinct - mine).max() <= MAX_SHIFT_MS:
                    ms[rows] = distinct
                    self._last_ms[number] = int(mine[-1]), int(distinct[-1])
        return ms
