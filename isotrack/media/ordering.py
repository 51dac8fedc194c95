"""From the order of arrival to the order of sending: late packets sorted in, copies left out.

Packets wait until nothing that comes before them can still arrive in time, over the ends of
chunks too; what is let go are whole access units (packets of one RTP timestamp).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs.media import PacketColumns
from isotrack.media.carrying import join, trim
from isotrack.media.streams import StreamPackets
from isotrack.rtp.packet import Packets

Pictures = Callable[[PacketColumns], NDArray[np.bool_]]
"""Marks the packets that carry a part of a picture, not only what pictures need."""

REORDER_WINDOW_US = 2_000_000
"""How late a packet may come and still be used: longer than a retransmission takes."""


class Ordered(NamedTuple):
    """Packets with something to play, in the order they were sent."""

    packets: Packets
    sequence: NDArray[np.int64]
    timestamp: NDArray[np.int64]
    lost_before: NDArray[np.int64]
    """[n + 1] packets missing just before each packet, and between the last one and the next."""


class OrderingBuffer:
    """Orders the packets of one stream; memory is bounded by the reorder window.

    Args:
        pictures: what the codec counts as a picture; None where every packet is media.
    """

    def __init__(self, pictures: Pictures | None = None) -> None:
        self._pictures = pictures
        self._held: StreamPackets | None = None
        self._released: int | None = None
        self._owed = 0  # packets lost before padding at the end of what was last let go
        self.received = 0
        """Distinct packets."""
        self.lost = 0
        """Packets that never came."""
        self.duplicates = 0
        self.late = 0
        """Packets that came after their place had been passed."""

    def push(self, arrived: StreamPackets) -> Ordered:
        """Take packets in; give back those that are in order for good."""
        joined = arrived if self._held is None else _join(self._held, arrived)
        return self._release(self._sort(joined), final=False)

    def finish(self, now_us: int | None = None) -> Ordered | None:
        """The packets still held, at the end of the stream or once it has been silent for long.

        Args:
            now_us: the newest arrival on the track; None at its end.
        """
        if self._held is None:
            return None
        newest = int(self._held.packets.arrival_us.max())
        if now_us is not None and newest > now_us - REORDER_WINDOW_US:
            return None
        return self._release(self._held, final=True)

    def _sort(self, run: StreamPackets) -> StreamPackets:
        order = np.argsort(run.sequence, kind="stable")
        sequence = run.sequence[order]
        distinct = np.diff(sequence, prepend=sequence[0] - 1) != 0
        self.duplicates += len(order) - int(distinct.sum())
        order = order[distinct]
        if self._released is not None:
            in_time = run.sequence[order] > self._released
            self.late += len(order) - int(in_time.sum())
            order = order[in_time]
        return _take(run, order)

    def _release(self, run: StreamPackets, *, final: bool) -> Ordered:
        end = run.packets.count if final else _settled(run, self._pictures)
        self._held = None if final or end == run.packets.count else _trim(run, end)
        first = run.sequence[:1] - 1 if self._released is None else [self._released]
        # Numbers missing before each packet that goes, and before the first one that stays.
        lost = np.diff(np.concatenate((first, run.sequence[: end + 1]))) - 1
        if end:
            self._released = int(run.sequence[end - 1])
            self.received += end
            self.lost += int(lost[:end].sum())
        gone = _take(run, np.arange(end))
        after = int(lost[end:].sum())
        filled = gone.packets.payload_length > 0
        # Padding has nothing to play, but its number did arrive; loss before it counts for
        # the next packet that does.
        passed = np.concatenate(([0], np.cumsum(lost[:end])))
        marks = np.concatenate((passed[1:][filled], passed[-1:]))
        gone = _take(gone, np.flatnonzero(filled))
        lost_before = np.diff(marks, prepend=-self._owed)
        self._owed = int(lost_before[-1])
        lost_before[-1] += after
        return Ordered(gone.packets, gone.sequence, gone.timestamp, lost_before)


def _take(run: StreamPackets, index: NDArray[np.int64]) -> StreamPackets:
    return StreamPackets(
        run.stream, run.packets.take(index), run.sequence[index], run.timestamp[index]
    )


def _join(held: StreamPackets, arrived: StreamPackets) -> StreamPackets:
    """One run over one buffer, the held packets first."""
    return StreamPackets(
        arrived.stream,
        join(held.packets, arrived.packets),
        np.concatenate((held.sequence, arrived.sequence)),
        np.concatenate((held.timestamp, arrived.timestamp)),
    )


def _settled(run: StreamPackets, pictures: Pictures | None) -> int:
    """How many packets from the front can go: whole access units older than the window.

    What holds no picture stays with the one that follows it, as long as that can be expected.
    """
    end = _unit_end(run, REORDER_WINDOW_US, pictures)
    return max(end, _unit_end(run, 2 * REORDER_WINDOW_US, None)) if pictures else end


def _unit_end(run: StreamPackets, age_us: int, pictures: Pictures | None) -> int:
    """Where the last access unit ends of which a packet is so old, and that shows a picture."""
    arrival = run.packets.arrival_us
    old = np.flatnonzero(arrival <= arrival.max(initial=0) - age_us)
    if not len(old):
        return 0
    ends = np.flatnonzero(np.diff(run.timestamp[: old[-1] + 2])) + 1
    if pictures is not None and len(ends):
        shown = pictures(run.packets)[: ends[-1]]
        ends = ends[np.logical_or.reduceat(shown, np.concatenate(([0], ends[:-1])))]
    return int(ends[-1]) if len(ends) else 0


def _trim(run: StreamPackets, start: int) -> StreamPackets:
    """The packets from `start` on, over no more of the buffer than they need."""
    kept = _take(run, np.arange(start, run.packets.count))
    return kept._replace(packets=trim(kept.packets))
