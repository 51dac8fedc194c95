"""What is seen of one source of packets while a capture is read: counts, clocks, samples."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.media.numbering import Source
from isotrack.pipeline.recognizing import Recognized, recognize
from isotrack.rtp.extensions import element
from isotrack.rtp.packet import Packets

WINDOW = 1500
"""Packets of a payload type that codecs are tried on at once."""

MAX_WINDOWS = 8
"""How often, as long as no keyframe is found."""

_RECENT = 8192
_RING = 4096
_LOOKED_AT = 4096
_EXTENSION_IDS = range(1, 32)
_NEAR_TICKS = 2 * 90_000
_HEADS = 64
_HEAD_BYTES = 20


class Head(NamedTuple):
    """The beginning of a payload."""

    sequence_number: int
    timestamp: int
    first_bytes: bytes
    length: int


@dataclass
class SeenExtension:
    """Elements of one header extension."""

    packets: int = 0
    sizes: set[int] = field(default_factory=set)
    values: set[int] = field(default_factory=set)
    """Of those of one byte."""


class Numbers:
    """Sequence numbers of one run, unwrapped: how many are missing, late, or there twice."""

    def __init__(self) -> None:
        self._recent = np.zeros(0, np.int64)
        self._span: tuple[int, int] | None = None
        self._last = 0
        self.received = self.duplicates = self.reordered = 0

    @property
    def lost(self) -> int:
        """Numbers between the first and the last that never came."""
        return self._span[1] - self._span[0] + 1 - self.received if self._span else 0

    def push(self, sequence: NDArray[np.int64]) -> None:
        """Take numbers in, in the order they came."""
        distinct, first = np.unique(sequence, return_index=True)
        known = np.isin(distinct, self._recent)
        fresh = sequence[np.sort(first[~known])]
        self.duplicates += sequence.size - fresh.size
        if not fresh.size:
            return
        self.received += fresh.size
        low, high = self._span or (int(fresh[0]), int(fresh[0]) - 1)
        self.reordered += int((np.diff(fresh, prepend=self._last) < 0).sum())
        self._last = int(fresh[-1])
        self._span = (min(low, int(fresh.min())), max(high, int(fresh.max())))
        self._recent = np.union1d(self._recent, fresh)[-_RECENT:]


class SourceObserver:
    """One SSRC on one flow of one file.

    Args:
        ssrc: which one.
        timed: arrivals were recorded, and so show its clock rate.
    """

    def __init__(self, ssrc: int, *, timed: bool = True) -> None:
        self.ssrc = ssrc
        self._timed = timed
        self.packets = self.empty = self.bytes = self.markers = self.sender_reports = 0
        self.first_us = self.last_us = 0
        self.cname: str | None = None
        self.payload_types: Counter[int] = Counter()
        self.extensions: dict[int, SeenExtension] = {}
        """By id."""
        self.heads: dict[int, list[Head]] = {}
        """By payload type."""
        self.recognized: dict[int, Recognized] = {}
        """By payload type."""
        self._last_sent = np.full((_RING, 2), -1, np.int64)  # sequence number and timestamp
        self._numbering = Source(90_000, self._begin)
        self._runs: list[Numbers] = []
        self._samples: dict[int, list[bytes]] = {}
        self._windows: Counter[int] = Counter()
        self._looked_at = 0
        self._clock: tuple[int, int, int] | None = None  # run, arrival and RTP time at its start
        self._now = (0, 0)
        self._spans: list[tuple[int, int]] = []  # microseconds and ticks of each run

    @property
    def lost(self) -> int:
        """Packets that never came."""
        return sum(run.lost for run in self._runs)

    @property
    def reordered(self) -> int:
        """Packets that came after a later one."""
        return sum(run.reordered for run in self._runs)

    @property
    def duplicates(self) -> int:
        """Packets that came again."""
        return sum(run.duplicates for run in self._runs)

    @property
    def restarts(self) -> int:
        """How often the numbering began anew."""
        return max(len(self._runs) - 1, 0)

    @property
    def measured_hz(self) -> float | None:
        """RTP time against arrival, over the longest run of at least half a second."""
        us, ticks = max(self._spans, default=(0, 0))
        return ticks * 1_000_000 / us if us >= 500_000 and ticks > 0 else None

    def push(self, packets: Packets) -> None:
        """Take packets in, in the order they came."""
        if not self.packets:
            self.first_us = int(packets.arrival_us[0])
        self.packets += packets.count
        self.last_us = max(self.last_us, int(packets.arrival_us.max()))
        self.empty += int((packets.payload_length == 0).sum())
        self.bytes += int(packets.payload_length.sum())
        self.markers += int(packets.marker.sum())
        types, counts = np.unique(packets.payload_type, return_counts=True)
        self.payload_types.update(dict(zip(types.tolist(), counts.tolist(), strict=True)))
        filled = packets.take(packets.payload_length > 0)
        place = filled.sequence_number % _RING
        self._last_sent[place, 0], self._last_sent[place, 1] = (
            filled.sequence_number,
            filled.timestamp,
        )
        for ordinal, run, counters in self._numbering.sort(packets):
            self._runs[ordinal].push(counters.sequence)
            self._time(ordinal, run, counters.timestamp)
        self._look_at_extensions(packets)
        for payload_type in types.tolist():
            self._sample(payload_type, filled.take(filled.payload_type == payload_type))

    def sent_near(self, sequence_number: int, timestamp: int) -> bool:
        """Whether a packet of about that number had about that timestamp, lately."""
        near = np.arange(sequence_number - 16, sequence_number + 17) & 0xFFFF
        sent = self._last_sent[near % _RING]
        ticks = (sent[:, 1] - timestamp + (1 << 31)) % (1 << 32) - (1 << 31)
        return bool(((sent[:, 0] == near) & (np.abs(ticks) <= _NEAR_TICKS)).any())

    def finish(self) -> None:
        """Try the codecs on the packets that were kept back."""
        for payload_type in list(self._samples):
            self._recognize(payload_type)

    def _begin(self, _: int) -> int:
        self._runs.append(Numbers())
        self._spans.append((0, 0))
        return len(self._runs) - 1

    def _time(self, run: int, packets: Packets, timestamp: NDArray[np.int64]) -> None:
        rows = np.flatnonzero(packets.payload_length > 0)
        if not rows.size:
            return
        if self._clock is None or self._clock[0] != run:
            first = int(rows[0])
            self._clock = (run, int(packets.arrival_us[first]), int(timestamp[first]))
        last = int(rows[-1])
        _, start_us, start = self._clock
        us = int(packets.arrival_us[last]) - start_us
        self._spans[run] = (us, int(timestamp[last]) - start)

    def _look_at_extensions(self, packets: Packets) -> None:
        rows = min(_LOOKED_AT - self._looked_at, packets.count)
        if rows <= 0:
            return
        self._looked_at += rows
        looked_at = packets.take(slice(0, rows))
        for identifier in _EXTENSION_IDS:
            offset, length = element(looked_at, identifier)
            seen = offset >= 0
            if seen.any():
                known = self.extensions.setdefault(identifier, SeenExtension())
                known.sizes |= set(length[seen].tolist())
                known.values |= set(packets.buffer[offset[seen & (length == 1)]].tolist())
                known.packets += int(seen.sum())

    def _sample(self, payload_type: int, packets: Packets) -> None:
        heads = self.heads.setdefault(payload_type, [])
        for row in range(min(_HEADS - len(heads), packets.count)):
            at, size = int(packets.payload_offset[row]), int(packets.payload_length[row])
            first = packets.buffer[at : at + min(size, _HEAD_BYTES)].tobytes()
            number, time = int(packets.sequence_number[row]), int(packets.timestamp[row])
            heads.append(Head(number, time, first, size))
        known = self.recognized.get(payload_type)
        if self._windows[payload_type] >= MAX_WINDOWS or (known and known.certainty == "sure"):
            return
        samples = self._samples.setdefault(payload_type, [])
        ends = packets.payload_offset + packets.payload_length
        for row in range(min(WINDOW - len(samples), packets.count)):
            begin, end = int(packets.packet_offset[row]), int(ends[row])
            # Padding is cut: so must be the flag that announces it.
            flags = bytes([int(packets.buffer[begin]) & 0xDF])
            samples.append(flags + packets.buffer[begin + 1 : end].tobytes())
        if len(samples) >= WINDOW:
            self._recognize(payload_type)

    def _recognize(self, payload_type: int) -> None:
        self._windows[payload_type] += 1
        measured_hz = self.measured_hz if self._timed else None
        found = recognize(self._samples.pop(payload_type), measured_hz)
        known = self.recognized.get(payload_type)
        if found and (known is None or found.score > known.score):
            self.recognized[payload_type] = found
