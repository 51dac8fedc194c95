"""One output file: frames in the order they play become clusters, written as they fill."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.matroska.blocks import HEADER_SIZE, block_headers
from isotrack.matroska.writer import MatroskaWriter
from isotrack.media.lanes import Lane
from isotrack.pipeline.merging import Window
from isotrack.pipeline.ports import ObjectWriter

CLUSTER_US = 5_000_000
"""A cluster spans no more, so that seeking in sound alone is quick."""

CLUSTER_BYTES = 4 << 20
"""A cluster that has more ends with the frame at hand: it is held in memory until it is whole."""


class Freeze(NamedTuple):
    """The picture of a lane stands still, from the last frame before a loss to the next one."""

    start_us: int
    end_us: int


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
        self._waiting: Window | None = None
        self._last_us: dict[int, int] = {}
        self.frames = np.zeros(len(lanes), np.int64)
        """Frames written, by lane."""
        self.freezes: dict[int, list[Freeze]] = {c: [] for c in chosen if lanes[c].kind == "video"}
        """By lane: where its picture stands still."""
        target.write(writer.head())

    def push(self, window: Window) -> None:
        """Add the window's frames that belong to this file."""
        chosen = np.flatnonzero(
            (self._number[window.lane] > 0) & (window.time_us >= self._start_us)
        )
        self._note(window, chosen)
        frames = _take(window, chosen)
        if self._waiting is not None:
            frames = _join(self._waiting, frames)
        start = 0
        for end in self._cluster_ends(frames):
            self._write_cluster(_part(frames, start, end))
            start = end
        self._waiting = _part(frames, start, len(frames.body))

    def commit(self) -> None:
        """Write what is left, and make the file visible."""
        if self._waiting is not None:
            self._write_cluster(self._waiting)
        tail, head = self._writer.finish()
        self._target.write(tail)
        self._target.commit(head)

    def _cluster_ends(self, frames: Window) -> Iterator[int]:
        """Where each cluster ends: at a frame to enter at, or where there is too much for one."""
        if self._by_keyframe:
            entries = np.flatnonzero(frames.keyframe & (frames.lane == self._cued)).tolist()
        else:
            entries = []
        total = np.cumsum(frames.size)
        start, count = 0, len(frames.body)
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

    def _note(self, window: Window, chosen: NDArray[np.int64]) -> None:
        self.frames += np.bincount(window.lane[chosen], minlength=len(self.frames))
        for lane, freezes in self.freezes.items():
            mine = chosen[window.lane[chosen] == lane]
            if not len(mine):
                continue
            times = window.time_us[mine]
            before = np.concatenate(([self._last_us.get(lane, times[0])], times[:-1]))
            for i in np.flatnonzero(window.after_loss[mine]).tolist():
                if before[i] < times[i]:
                    freezes.append(Freeze(int(before[i]), int(times[i])))
            self._last_us[lane] = int(times[-1])

    def _write_cluster(self, frames: Window) -> None:
        if not frames.body:
            return
        ms = (frames.time_us - self._start_us + 500) // 1000
        base = int(ms[0])
        numbers = self._number[frames.lane]
        headers = memoryview(
            block_headers(frames.size, numbers, ms - base, frames.keyframe).tobytes()
        )
        offsets = np.concatenate(([0], np.cumsum(frames.size + HEADER_SIZE)))
        cued = np.flatnonzero((frames.lane == self._cued) & frames.keyframe)
        if not self._by_keyframe:
            cued = cued[:1]
        number = int(self._number[self._cued])
        cues = [(number, int(ms[i]) - base, int(offsets[i])) for i in cued.tolist()]
        parts: list[bytes | memoryview] = [b""] * (2 * len(frames.body) + 1)
        parts[0] = self._writer.cluster(base, int(offsets[-1]), cues)
        parts[1::2] = [headers[i : i + HEADER_SIZE] for i in range(0, len(headers), HEADER_SIZE)]
        parts[2::2] = frames.body
        self._target.write(b"".join(parts))


def _take(window: Window, chosen: NDArray[np.int64]) -> Window:
    if len(chosen) == len(window.body):
        return window
    return Window(
        lane=window.lane[chosen],
        time_us=window.time_us[chosen],
        keyframe=window.keyframe[chosen],
        after_loss=window.after_loss[chosen],
        size=window.size[chosen],
        body=[window.body[i] for i in chosen.tolist()],
    )


def _part(window: Window, start: int, end: int) -> Window:
    part = slice(start, end)
    return Window(
        lane=window.lane[part],
        time_us=window.time_us[part],
        keyframe=window.keyframe[part],
        after_loss=window.after_loss[part],
        size=window.size[part],
        body=window.body[part],
    )


def _join(first: Window, second: Window) -> Window:
    return Window(
        lane=np.concatenate((first.lane, second.lane)),
        time_us=np.concatenate((first.time_us, second.time_us)),
        keyframe=np.concatenate((first.keyframe, second.keyframe)),
        after_loss=np.concatenate((first.after_loss, second.after_loss)),
        size=np.concatenate((first.size, second.size)),
        body=first.body + second.body,
    )
