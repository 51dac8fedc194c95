"""One output file: frames in the order they play become clusters, written as they fill."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from isotrack.matroska.blocks import HEADER_SIZE, block_headers
from isotrack.matroska.tracks import TrackEntry
from isotrack.matroska.writer import CLUSTER_HEADER_SIZE, MatroskaWriter
from isotrack.media.lanes import Lane
from isotrack.media.scattered import Scattered, within
from isotrack.pipeline.extents import LaneExtent
from isotrack.pipeline.ports import ObjectWriter
from isotrack.pipeline.queueing import Due
from isotrack.pipeline.windows import Merged, Window, merged

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
        self._cued = next((c for c in chosen if lanes[c].kind == "video"), chosen[0])
        self._by_keyframe = lanes[self._cued].kind == "video"
        self._start_us = start_us
        self._writer = writer
        self._target = target
        self._waiting: Merged | None = None
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
        chosen = self._chosen(window)
        for lane, due in chosen.items():
            frames = due.placed
            self.extents[lane].add(
                frames.time_us, frames.duration_us, frames.after_loss, frames.keyframe
            )
        if not chosen:
            return
        waiting = merged(chosen, self._waiting)
        size_before = _size_before(waiting)
        ends = self._cluster_ends(waiting, size_before)
        self._waiting = waiting.since(ends[-1]) if ends else waiting
        self._write_clusters(waiting, size_before, ends)

    def commit(self, tracks: Sequence[TrackEntry]) -> None:
        """Write what is left, and make the file visible.

        Args:
            tracks: as they are known now, each of the same size as it was in the beginning.
        """
        if self._waiting is not None:
            last, self._waiting = self._waiting, None
            self._write_clusters(last, _size_before(last), [last.count])
        duration_ms = (self.end_us - self._start_us + 500) // 1000
        tail, head = self._writer.finish(tracks, duration_ms)
        self._target.write(tail)
        self._target.commit(head)

    def _chosen(self, window: Window) -> dict[int, Due]:
        """The frames of a window that go into this file."""
        chosen = {}
        for lane, due in window.items():
            if lane not in self.extents:
                continue
            if int(due.placed.time_us.min()) < self._start_us:
                mask = due.placed.time_us >= self._start_us
                due = Due(due.due_us[mask], due.placed.kept(mask).narrowed())
            if due.placed.count:
                chosen[lane] = due
        return chosen

    def _cluster_ends(self, frames: Merged, size_before: NDArray[np.int64]) -> list[int]:
        """Where each cluster ends: at a frame to enter at, or where there is too much for one."""
        time_us, count = frames.time_us, frames.count
        entries = self._cued_rows(frames).tolist() if self._by_keyframe else []
        entries.append(count)
        in_order = not np.count_nonzero(time_us[1:] < time_us[:-1])
        ends: list[int] = []
        start = following = 0
        while True:
            while entries[following] <= start:
                following += 1
            full = int(size_before.searchsorted(size_before[start] + CLUSTER_BYTES))
            end = min(entries[following], full)
            if in_order:
                end = min(end, int(time_us.searchsorted(time_us[start] + CLUSTER_US)))
            else:  # the timestamps of a broken sender may go back
                far = np.abs(time_us[start:end] - time_us[start]) >= CLUSTER_US
                end = start + int(far.argmax()) if far.any() else end
            if end >= count:
                return ends
            ends.append(end)
            start = end

    def _cued_rows(self, frames: Merged) -> NDArray[np.int64]:
        """Where the frames to enter at are; of sound it is every one."""
        rows: NDArray[np.int64] = (frames.keyframe & (frames.lane == self._cued)).nonzero()[0]
        return rows

    def _write_clusters(
        self, frames: Merged, size_before: NDArray[np.int64], ends: Sequence[int]
    ) -> None:
        """Write the frames up to the last of these ends, as a cluster up to each."""
        if not ends:
            return
        frames = frames.until(ends[-1])
        edges = np.array([0, *ends])
        starts = edges[:-1]
        ms = self._distinct((frames.time_us - self._start_us + 500) // 1000, frames.lane)
        base_ms = ms[starts]
        relative_ms = ms - base_ms.repeat(edges[1:] - starts)
        number = self._number[frames.lane]
        blocks = block_headers(frames.size, number, relative_ms, frames.keyframe)
        cued = self._cued_rows(frames)
        entries = np.append(cued, frames.count)[cued.searchsorted(starts)]
        places = size_before[edges] + HEADER_SIZE * edges
        clusters = self._cluster_headers(
            base_ms,
            places[1:] - places[:-1],
            entries < edges[1:],
            relative_ms[entries.clip(max=frames.count - 1)],
            size_before[entries] + HEADER_SIZE * entries - places[:-1],
        )
        self._target.write_scattered(frames.behind(_headers(blocks, starts, clusters)))

    def _cluster_headers(self, *columns: NDArray[np.int64] | NDArray[np.bool_]) -> list[bytes]:
        """The header of each cluster; the first frame in it to enter at gets a cue.

        Of pictures that is the only one, of sound there are more.

        Args:
            columns: of each cluster its time in ms, the bytes of its blocks, and whether there is
                such a frame, with its time relative to the cluster's and the place of its block.
        """
        cued = int(self._number[self._cued])
        return [
            self._writer.cluster(time_ms, size, [(cued, relative_ms, place)] if has_entry else [])
            for time_ms, size, has_entry, relative_ms, place in zip(
                *(column.tolist() for column in columns), strict=True
            )
        ]

    def _distinct(self, ms: NDArray[np.int64], lane: NDArray[np.int64]) -> NDArray[np.int64]:
        """Times of which no two of a picture track are equal: players would show one of the two.

        Where pictures play out of decode order, and where there are more of them than milliseconds
        for long, their times are left as they are.
        """
        for number, extent in self.extents.items():
            if not extent.is_video:
                continue
            rows = (lane == number).nonzero()[0] if len(self.extents) > 1 else slice(None)
            mine = ms[rows]
            if not len(mine):
                continue
            first, latest = int(mine[0]), int(mine[-1])
            before, last = self._last_ms.get(number, (first - 1, first - 1))
            least = min(first - before, int((mine[1:] - mine[:-1]).min(initial=1)))
            self._last_ms[number] = latest, latest
            if least == 0 or (least > 0 and first <= last):
                place = np.arange(len(mine))
                distinct = np.maximum(np.maximum.accumulate(mine - place), last + 1) + place
                if (distinct - mine).max() <= MAX_SHIFT_MS:
                    ms[rows] = distinct
                    self._last_ms[number] = latest, int(distinct[-1])
        return ms


def _size_before(frames: Merged) -> NDArray[np.int64]:
    """Bytes of the frames before each, and of all: [n + 1]."""
    before = np.zeros(frames.count + 1, np.int64)
    frames.size.cumsum(out=before[1:])
    return before


def _headers(
    blocks: NDArray[np.uint8], starts: NDArray[np.int64], clusters: Sequence[bytes]
) -> Scattered:
    """The headers of blocks, and before those that begin a cluster that of the cluster."""
    heads = np.frombuffer(b"".join(clusters), np.uint8).reshape(-1, CLUSTER_HEADER_SIZE)
    first = np.concatenate((heads, blocks[starts]), axis=1)
    offset = np.arange(0, blocks.size, HEADER_SIZE)
    length = np.full(len(blocks), HEADER_SIZE)
    offset[starts] = np.arange(len(first)) * first.shape[1] + blocks.size
    length[starts] = first.shape[1]
    return within(np.concatenate((blocks.ravel(), first.ravel())), offset, length)
