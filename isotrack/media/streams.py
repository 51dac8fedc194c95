"""Which packets of a track belong together: one SSRC with continuous numbering is one stream.

A track's ports carry whatever the SFU sends there. This module keeps the packets of the track's
payload types, drops single wild ones, and starts a new stream where the SSRC changes or the
numbering jumps for good (a publisher that restarted): such a stream has clocks of its own. Packets
that repair brought join the stream they fit; they never begin one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.media.numbering import Source
from isotrack.rtp.packet import Packets
from isotrack.rtp.rtcp import SenderReport

MAX_STREAMS = 500
"""No track has more: a sender of garbage begins one with every packet."""

MAX_BEGUN = 32
"""Of those, how many begin in one chunk; of more SSRCs those that send most are taken."""


class StreamPackets(NamedTuple):
    """Packets of one stream in the order they arrived, their counters unwrapped."""

    stream: int
    """Ordinal of the stream in its track."""
    packets: Packets
    sequence: NDArray[np.int64]
    timestamp: NDArray[np.int64]
    plain: bool = False
    """Each packet is the next one and has payload; none was restored."""


class StreamReport(NamedTuple):
    """A sender report, tied to the stream whose clock it explains."""

    stream: int
    ntp: int
    """64-bit NTP time of the sender."""
    timestamp: int
    """Unwrapped RTP timestamp of the same instant."""


class KnownStream(NamedTuple):
    """What tells a stream from others when it was gone through before."""

    ssrc: int
    first_us: int
    """Arrival of its first packet."""
    last_us: int


class StreamSplitter:
    """Sorts a track's packets into streams, chunk by chunk.

    Args:
        payload_types: of the track's media.
        clock_rate: of its RTP timestamps.
        ssrcs: of its media; empty takes every SSRC that sends the payload types.
        known: its streams by ordinal, if the track was gone through before: each keeps its ordinal,
            even where chunks of others are lost since.
    """

    def __init__(
        self,
        payload_types: Sequence[int],
        clock_rate: int,
        ssrcs: Sequence[int] = (),
        known: Sequence[KnownStream] = (),
    ) -> None:
        self._payload_types = tuple(payload_types)
        self._clock_rate = clock_rate
        self._ssrcs = tuple(ssrcs)
        self._sources: dict[int, Source] = {}
        self._known = dict(enumerate(known))
        self._count = len(known)
        self._begun = 0
        self.foreign = 0
        """Packets of another SSRC or payload type than the track's."""

    @property
    def wild(self) -> int:
        """Single packets whose counters were far from their neighbors'."""
        return sum(source.wild for source in self._sources.values())

    def split(self, packets: Packets) -> list[StreamPackets]:
        """The packets of each stream, those of the oldest stream first."""
        if not packets.count:
            return []
        self._begun = 0
        ours = packets.payload_type == self._payload_types[0]
        for further in self._payload_types[1:]:
            ours |= packets.payload_type == further
        all_ours = np.count_nonzero(ours) == packets.count
        # Other payload types of the SSRC (DTMF, comfort noise) count as received, with nothing
        # to play: they share the numbering.
        playable = packets
        if not all_ours:
            playable = packets._replace(payload_length=packets.payload_length * ours)
        if not np.count_nonzero(packets.ssrc != packets.ssrc[0]):
            ssrc = int(packets.ssrc[0])
            wanted = ssrc in self._ssrcs if self._ssrcs else ssrc in self._sources or ours.any()
            if not wanted:
                self.foreign += packets.count
                return []
            return self._sort(ssrc, playable)
        rows = _by_ssrc(packets.ssrc)
        found: list[StreamPackets] = []
        kept = 0
        for ssrc in self._wanted(rows, ours):
            kept += len(rows[ssrc])
            found += self._sort(ssrc, playable.take(rows[ssrc]))
        self.foreign += packets.count - kept
        return sorted(found, key=lambda run: run.stream)

    def report(self, report: SenderReport) -> StreamReport | None:
        """Tie a sender report to its stream; None while its SSRC has none (edge case 200)."""
        source = self._sources.get(report.ssrc)
        if source is None:
            return None
        # A report may be older than the restart before which it was sent.
        stream = min(reversed(source.streams), key=lambda s: s.distance(report.rtp_timestamp))
        timestamp = stream.timestamp_near(report.rtp_timestamp)
        return StreamReport(stream.ordinal, report.ntp, timestamp)

    def _wanted(self, rows: Mapping[int, NDArray[np.int64]], ours: NDArray[np.bool_]) -> list[int]:
        """The SSRCs of the track among these, as they first come."""
        if self._ssrcs:
            return [ssrc for ssrc in self._ssrcs if ssrc in rows]
        fresh = [ssrc for ssrc in rows if ssrc not in self._sources and ours[rows[ssrc]].any()]
        if len(fresh) > MAX_BEGUN:
            known = {each.ssrc for each in self._known.values()}
            best = sorted(fresh, key=lambda ssrc: (ssrc not in known, -len(rows[ssrc])))
            most = {*best[:MAX_BEGUN], *known}
            fresh = [ssrc for ssrc in fresh if ssrc in most]
        return [*(ssrc for ssrc in self._sources if ssrc in rows), *fresh]

    def _sort(self, ssrc: int, packets: Packets) -> list[StreamPackets]:
        source = self._sources.get(ssrc)
        if source is None:
            if not self._may_open(ssrc):
                self.foreign += packets.count
                return []
            source = self._sources[ssrc] = Source(self._clock_rate, partial(self._open, ssrc))
        if not np.count_nonzero(packets.restored):
            return self._numbered(source, packets)
        found = self._numbered(source, packets.take(~packets.restored))
        fitted = _fitted(source, packets.take(packets.restored))
        if fitted is not None and found and found[-1].stream == fitted.stream:
            found[-1] = _together(found[-1], fitted)
        elif fitted is not None:
            found.append(fitted)
        return found

    def _numbered(self, source: Source, packets: Packets) -> list[StreamPackets]:
        if not packets.count:
            return []
        return [
            StreamPackets(ordinal, run, *counters)
            for ordinal, run, counters in source.sort(packets)
        ]

    def _open(self, ssrc: int, arrival_us: int) -> int | None:
        """The ordinal of a stream that begins: that by which it is known, or a further one.

        None where there are too many.
        """
        if not self._may_open(ssrc):
            return None
        self._begun += 1
        same = [ordinal for ordinal, each in self._known.items() if each.ssrc == ssrc]
        then = [o for o in same if self._known[o].first_us <= arrival_us <= self._known[o].last_us]
        if same:
            ordinal = (then or same)[0]
            del self._known[ordinal]
            return ordinal
        self._count += 1
        return self._count - 1

    def _may_open(self, ssrc: int) -> bool:
        """Whether one more stream of an SSRC may begin."""
        if self._count < MAX_STREAMS and self._begun < MAX_BEGUN:
            return True
        return any(each.ssrc == ssrc for each in self._known.values())


def _fitted(source: Source, packets: Packets) -> StreamPackets | None:
    """Restored packets as the newest stream numbers them; those far from it are left out."""
    if not source.streams:
        return None
    newest = source.streams[-1]
    sequence, timestamp, near = newest.fit(packets)
    chosen = np.flatnonzero(near)
    if not len(chosen):
        return None
    return StreamPackets(newest.ordinal, packets.take(chosen), sequence[chosen], timestamp[chosen])


def _together(came: StreamPackets, fitted: StreamPackets) -> StreamPackets:
    """What came and what was restored, over the buffer they share; the restored last."""
    pairs: Any = zip(came.packets[1:], fitted.packets[1:], strict=True)
    return StreamPackets(
        came.stream,
        Packets(came.packets.buffer, *(np.concatenate(pair) for pair in pairs)),
        np.concatenate((came.sequence, fitted.sequence)),
        np.concatenate((came.timestamp, fitted.timestamp)),
    )


def _by_ssrc(ssrc: NDArray[np.uint32]) -> dict[int, NDArray[np.int64]]:
    """The rows of each SSRC, as they first come."""
    order = np.argsort(ssrc, kind="stable")
    sorted_ssrc = ssrc[order]
    begins = np.flatnonzero(np.diff(sorted_ssrc)) + 1
    groups = zip(sorted_ssrc[np.append(0, begins)].tolist(), np.split(order, begins), strict=True)
    return dict(sorted(groups, key=lambda group: int(group[1][0])))
