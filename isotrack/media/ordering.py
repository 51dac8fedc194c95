"""From the order of arrival to the order of sending: late packets sorted in, copies left out.

Packets without a gap before them go at once. Behind a gap they wait until what is missing can no
longer arrive in time, over the ends of chunks too. What is let go are whole access units (packets
of one RTP timestamp).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs.media import PacketColumns
from isotrack.media.carrying import join, trim
from isotrack.media.streams import StreamPackets
from isotrack.rtp.gaps import fills_gap
from isotrack.rtp.packet import Packets

Pictures = Callable[[PacketColumns], NDArray[np.bool_]]
"""Marks the packets that carry a part of a picture, not only what pictures need."""

REORDER_WINDOW_US = 2_000_000
"""How late a packet may come and still be used: longer than a retransmission takes."""

MAX_HELD = 1 << 15
"""No more packets wait, whatever their arrival says (a capture without a clock, an attack)."""

_REMEMBERED_GAPS = 256
_LAST = 256  # packets in which the last access unit is looked for


class Ordered(NamedTuple):
    """Packets with something to play, in the order they were sent."""

    packets: Packets
    sequence: NDArray[np.int64]
    timestamp: NDArray[np.int64]
    lost_before: NDArray[np.int64]
    """[n + 1] packets missing just before each packet, and between the last one and the next."""
    whole: bool = False
    """None is missing, before each of them and behind the last; where it is not said some may be.
    """


class OrderingBuffer:
    """Orders the packets of one stream; memory is bounded by the reorder window.

    Args:
        pictures: what the codec counts as a picture; None where every packet is media.
        copies: restored packets are redundant copies (RED), of which only those count that fill a
            gap; each packet has a timestamp of its own then.
    """

    def __init__(self, pictures: Pictures | None = None, *, copies: bool = False) -> None:
        self._pictures = pictures
        self._copies = copies
        self._held: StreamPackets | None = None
        self._released: int | None = None
        self._released_timestamp = 0
        self._owed = 0  # packets lost before padding at the end of what was last let go
        self._gaps: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED_GAPS)
        self.received = 0
        """Distinct packets."""
        self.restored = 0
        """Those of them that repair brought (RTX, RED, FEC)."""
        self.lost = 0
        """Packets that never came."""
        self.duplicates = 0
        self.late = 0
        """Packets that came after their place had been passed."""

    def push(self, arrived: StreamPackets, room: int = 0) -> Ordered:
        """Take packets in; give back those that are in order for good.

        Args:
            arrived: the packets.
            room: free bytes at the start of their buffer.
        """
        joined = arrived if self._held is None else _join(self._held, arrived, room)
        if joined.plain and not self._owed and joined.sequence[0] - 1 == self._released:
            end = _last_unit(joined, self._pictures)
            if end:
                return self._pass_on(joined, end)
        run, steps = self._sort(joined)
        waits = steps > 1
        waits[:1] |= self._released is None  # who knows what was sent before the first to come
        return self._release(run, steps, _settled(run, np.flatnonzero(waits), self._pictures))

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
        return self._release(self._held, self._steps(self._held), len(self._held.sequence))

    def _pass_on(self, run: StreamPackets, end: int) -> Ordered:
        """Let packets go of which none is missing, and hold the others."""
        self._held = _trim(run, end)
        gone = _take(run, slice(end))
        self._released = int(gone.sequence[-1])
        self._released_timestamp = int(gone.timestamp[-1])
        self.received += end
        lost_before = np.zeros(end + 1, np.int64)
        return Ordered(gone.packets, gone.sequence, gone.timestamp, lost_before, whole=True)

    def _steps(self, run: StreamPackets) -> NDArray[np.int64]:
        """How far each packet's number is from that of the one before it."""
        sequence = run.sequence
        steps = np.ones(len(sequence), np.int64)
        np.subtract(sequence[1:], sequence[:-1], out=steps[1:])
        if self._released is not None and len(steps):
            steps[0] = sequence[0] - self._released
        return steps

    def _sort(self, run: StreamPackets) -> tuple[StreamPackets, NDArray[np.int64]]:
        """The packets in order, each number once, and their steps."""
        steps = self._steps(run)
        in_order = not (steps < 1).any()
        if in_order and not (self._copies and run.packets.restored.any()):
            return run, steps
        # Stable, and what was restored is last: what came itself goes before it.
        order = np.argsort(run.sequence, kind="stable")
        if self._copies and run.packets.restored.any():
            order = order[self._missed(_take(run, order))]
        sequence = run.sequence[order]
        distinct = np.ones(len(sequence), np.bool_)
        np.not_equal(sequence[1:], sequence[:-1], out=distinct[1:])
        self.duplicates += len(order) - int(distinct.sum())
        order = order[distinct]
        if self._released is not None:
            in_time = run.sequence[order] > self._released
            for number in run.sequence[order[~in_time]].tolist():
                missing = any(first <= number <= last for first, last in self._gaps)
                self.late += missing
                self.duplicates += not missing
            order = order[in_time]
        run = _take(run, order)
        return run, self._steps(run)

    def _missed(self, run: StreamPackets) -> NDArray[np.bool_]:
        """Mark what came itself, and the copies that fill a gap; the run is in order."""
        before = None if self._released is None else (self._released, self._released_timestamp)
        filled = run.packets.payload_length > 0
        return fills_gap(run.sequence, run.timestamp, run.packets.restored, filled, before)

    def _release(self, run: StreamPackets, steps: NDArray[np.int64], end: int) -> Ordered:
        count = len(run.sequence)
        self._held = None if end == count else _trim(run, end)
        lost = steps[: end + 1] - 1  # before each that goes, and before the first that stays
        gone = run if end == count else _take(run, slice(end))
        after = int(lost[end:].sum())
        lost = lost[:end]
        if end:
            self._count(gone, lost)
        filled = gone.packets.payload_length > 0
        if filled.all():
            lost_before = np.concatenate((lost, [after]))
            lost_before[0] += self._owed
            self._owed = 0 if end else self._owed
        else:
            # Padding has nothing to play, but its number did arrive; loss before it counts for
            # the next packet that does.
            passed = np.concatenate(([0], np.cumsum(lost)))
            marks = np.concatenate((passed[1:][filled], passed[-1:]))
            gone = _take(gone, np.flatnonzero(filled))
            lost_before = np.diff(marks, prepend=-self._owed)
            self._owed = int(lost_before[-1])
            lost_before[-1] += after
        return Ordered(gone.packets, gone.sequence, gone.timestamp, lost_before)

    def _count(self, gone: StreamPackets, lost: NDArray[np.int64]) -> None:
        self._released = int(gone.sequence[-1])
        self._released_timestamp = int(gone.timestamp[-1])
        self.received += len(lost)
        self.restored += int(gone.packets.restored.sum())
        for row in np.flatnonzero(lost).tolist():
            number, missing = int(gone.sequence[row]), int(lost[row])
            self.lost += missing
            self._gaps.append((number - missing, number - 1))


def _take(run: StreamPackets, index: NDArray[np.int64] | slice) -> StreamPackets:
    """Some of the packets; a slice of plain ones is plain."""
    return StreamPackets(
        run.stream,
        run.packets.take(index),
        run.sequence[index],
        run.timestamp[index],
        plain=run.plain and isinstance(index, slice),
    )


def _join(held: StreamPackets, arrived: StreamPackets, room: int) -> StreamPackets:
    """One run over one buffer, the held packets first."""
    return StreamPackets(
        arrived.stream,
        join(held.packets, arrived.packets, room),
        np.concatenate((held.sequence, arrived.sequence)),
        np.concatenate((held.timestamp, arrived.timestamp)),
        plain=held.plain and arrived.plain and held.sequence[-1] + 1 == arrived.sequence[0],
    )


def _last_unit(run: StreamPackets, pictures: Pictures | None) -> int:
    """Where the last access unit begins, if it is short and the one before it has a picture; or 0.

    The same as `_settled` of packets of which none is missing, found by looking at the last ones.
    """
    if len(run.sequence) > MAX_HELD:
        return 0
    start = max(len(run.sequence) - _LAST, 0)
    timestamp = run.timestamp[start:]
    changes: list[int] = (timestamp[1:] != timestamp[:-1]).nonzero()[0].tolist()
    ends = [start + 1 + change for change in changes[-2:]]
    if pictures is None:
        return ends[-1] if ends else 0
    if len(ends) < 2 or not pictures(run.packets.take(slice(ends[-2], ends[-1]))).any():
        return 0
    return ends[-1]


def _settled(run: StreamPackets, gaps: NDArray[np.int64], pictures: Pictures | None) -> int:
    """How many packets from the front can go: whole access units that nothing can be added to.

    The last unit stays, for it may go on in the next chunk. What holds no picture stays with the
    one that follows it, as long as that can be expected.

    Args:
        run: the packets in order.
        gaps: those that something may be missing before.
        pictures: see `OrderingBuffer`.
    """
    arrival = run.packets.arrival_us
    count = len(arrival)
    newest = int(arrival.max(initial=0))
    fresh = gaps[arrival[gaps] > newest - REORDER_WINDOW_US]
    end = max(int(fresh[0]) if len(fresh) else count, count - MAX_HELD)
    ends = np.flatnonzero(np.diff(run.timestamp[:end])) + 1
    overdue = (arrival <= newest - 2 * REORDER_WINDOW_US) | (count > MAX_HELD)
    if not len(ends):
        return end if end and overdue[0] else 0
    if pictures is None:
        return int(ends[-1])
    starts = np.concatenate(([0], ends[:-1]))
    for start, stop in zip(starts[::-1].tolist(), ends[::-1].tolist(), strict=True):
        if overdue[start] or pictures(run.packets.take(slice(start, stop))).any():
            return int(stop)
    return 0


def _trim(run: StreamPackets, start: int) -> StreamPackets:
    """The packets from `start` on, over no more of the buffer than they need."""
    kept = _take(run, slice(start, None))
    return kept._replace(packets=trim(kept.packets), plain=kept.plain or _is_plain(kept))


def _is_plain(run: StreamPackets) -> bool:
    """Whether each packet is the next one and has payload, and none was restored."""
    consecutive = not np.count_nonzero(run.sequence[1:] - run.sequence[:-1] != 1)
    filled = bool(run.packets.payload_length.min() > 0)
    return consecutive and filled and not np.count_nonzero(run.packets.restored)
