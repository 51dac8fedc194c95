"""Which packets of a track belong together: one SSRC with continuous numbering is one stream.

A track's ports carry whatever the SFU sends there. This module keeps the packets of the track's
payload type, drops single wild ones, and starts a new stream where the SSRC changes or the
numbering jumps for good (a publisher that restarted): such a stream has clocks of its own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.media.numbering import Source
from isotrack.rtp.packet import Packets
from isotrack.rtp.rtcp import SenderReport


class StreamPackets(NamedTuple):
    """Packets of one stream in the order they arrived, their counters unwrapped."""

    stream: int
    """Ordinal of the stream in its track."""
    packets: Packets
    sequence: NDArray[np.int64]
    timestamp: NDArray[np.int64]


class StreamReport(NamedTuple):
    """A sender report, tied to the stream whose clock it explains."""

    stream: int
    ntp: int
    """64-bit NTP time of the sender."""
    timestamp: int
    """Unwrapped RTP timestamp of the same instant."""


class StreamSplitter:
    """Sorts a track's packets into streams, chunk by chunk.

    Args:
        payload_type: of the track's media.
        clock_rate: of its RTP timestamps.
        ssrc: of its media; None takes every SSRC that sends the payload type.
    """

    def __init__(self, payload_type: int, clock_rate: int, ssrc: int | None) -> None:
        self._payload_type = payload_type
        self._clock_rate = clock_rate
        self._ssrc = ssrc
        self._sources: dict[int, Source] = {}
        self._count = 0
        self.foreign = 0
        """Packets of another SSRC or payload type than the track's."""

    @property
    def wild(self) -> int:
        """Single packets whose counters were far from their neighbors'."""
        return sum(source.wild for source in self._sources.values())

    def split(self, packets: Packets) -> list[StreamPackets]:
        """The packets of each stream, those of the oldest stream first."""
        ours = packets.payload_type == self._payload_type
        if self._ssrc is None:
            ssrcs = dict.fromkeys((*self._sources, *_in_order(packets.ssrc[ours])))
        else:
            ssrcs = dict.fromkeys((self._ssrc,))
        # Other payload types of the SSRC (DTMF, comfort noise) count as received, with nothing
        # to play: they share the numbering.
        playable = packets._replace(payload_length=np.where(ours, packets.payload_length, 0))
        found: list[StreamPackets] = []
        kept = 0
        for ssrc in ssrcs:
            selection = np.flatnonzero(packets.ssrc == ssrc)
            kept += len(selection)
            if len(selection):
                alone = len(selection) == packets.count
                found += self._sort(ssrc, playable if alone else playable.take(selection))
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

    def _sort(self, ssrc: int, packets: Packets) -> list[StreamPackets]:
        source = self._sources.get(ssrc)
        if source is None:
            source = self._sources[ssrc] = Source(self._clock_rate, self._open)
        return [
            StreamPackets(numbering.ordinal, run, *numbering.unwrap(run))
            for numbering, run in source.sort(packets)
        ]

    def _open(self) -> int:
        self._count += 1
        return self._count - 1


def _in_order(values: NDArray[np.uint32]) -> list[int]:
    """The values there are, each once, as they first come."""
    distinct, first = np.unique(values, return_index=True)
    found: list[int] = distinct[np.argsort(first)].tolist()
    return found
