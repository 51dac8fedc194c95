"""The outline of a track: what its packets' headers tell, without any media.

A recording is gone through twice. First this: which streams there are, when they play (`clock`) and
when each is over. Chunks tell it by their trailers alone. Then the media (`reader`), which sorts
the same packets into the same streams.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from isotrack.media.activity import Activity
from isotrack.media.observations import ClockObservations
from isotrack.media.streams import KnownStream, StreamPackets, StreamSplitter
from isotrack.media.track_format import TrackFormat
from isotrack.rtp import absolute_capture_time
from isotrack.rtp.absolute_capture_time import AbsoluteCaptureTimes
from isotrack.rtp.extensions import element
from isotrack.rtp.packet import Packets
from isotrack.rtp.rtcp import SenderReport, read_compound

MAX_EARLY_REPORTS = 16
"""SSRCs whose last sender report is kept until their first packet comes (edge case 189)."""


class Headers(NamedTuple):
    """The packets of one chunk, without their payloads if those were not read."""

    chunk: int
    """Index of the chunk in its track."""
    packets: Packets
    rtcp: Sequence[bytes]
    """Its compound RTCP packets."""
    rtcp_arrival_us: Sequence[int]
    """When each of them came, Unix microseconds."""


class StreamOutline:
    """What is known of one stream before its media is read."""

    def __init__(self, ssrc: int, clock_rate: int, first_chunk: int) -> None:
        self.ssrc = ssrc
        self.clock = ClockObservations(clock_rate)
        self.capture_times = AbsoluteCaptureTimes()
        self.activity = Activity()
        self.first_chunk = first_chunk
        self.last_chunk = first_chunk
        """Index of the last chunk that has packets of it."""
        self.has_media = False
        self.last_timestamp = 0
        """The latest unwrapped RTP timestamp of a packet with payload."""

    @property
    def known(self) -> KnownStream:
        """What it is known by when its media is read."""
        first_us = self.activity.first_us
        return KnownStream(self.ssrc, first_us or 0, self.activity.last_us)


class TrackOutliner:
    """Goes through the headers of one track, chunk by chunk in order."""

    def __init__(self, form: TrackFormat) -> None:
        self._form = form
        self._splitter = StreamSplitter(form.payload_types, form.clock_rate, form.ssrcs)
        self._capture_time_id = form.header_extensions.get(absolute_capture_time.URI)
        self._early_reports: dict[int, tuple[SenderReport, int]] = {}
        self.streams: list[StreamOutline] = []
        """All streams met so far, by ordinal."""

    def push(self, headers: Headers) -> None:
        """Take in a chunk."""
        for arrived in self._splitter.split(headers.packets):
            packets = arrived.packets
            while len(self.streams) <= arrived.stream:
                ssrc = int(packets.ssrc[0])
                self.streams.append(StreamOutline(ssrc, self._form.clock_rate, headers.chunk))
            stream = self.streams[arrived.stream]
            stream.last_chunk = headers.chunk
            stream.clock.add_packets(arrived)
            if self._capture_time_id is not None and packets.buffer.size:
                self._read_capture_times(stream, arrived, self._capture_time_id)
            stream.activity.add(packets)
            timestamp = arrived.timestamp
            filled = timestamp if arrived.plain else timestamp[packets.payload_length > 0]
            if len(filled):
                latest = int(filled.max())
                stream.last_timestamp = (
                    max(stream.last_timestamp, latest) if stream.has_media else latest
                )
                stream.has_media = True
        self._read_reports(zip(headers.rtcp, headers.rtcp_arrival_us, strict=True))

    def _read_capture_times(
        self, stream: StreamOutline, arrived: StreamPackets, identifier: int
    ) -> None:
        packets = arrived.packets
        offset, length = element(packets, identifier)
        # Of a packet that was sent again the capture time is as good as ever (edge case 206).
        rows, capture_us = stream.capture_times.read(packets.buffer, offset, length)
        stream.clock.add_capture_times(arrived.timestamp[rows], capture_us)

    def _read_reports(self, rtcp: Iterable[tuple[bytes, int]]) -> None:
        for packet, arrival_us in (*self._early_reports.values(), *_sender_reports(rtcp)):
            report = self._splitter.report(packet)
            if report is not None:
                self.streams[report.stream].clock.add_report(report, arrival_us)
                self._early_reports.pop(packet.ssrc, None)
            elif packet.ssrc in self._early_reports or len(self._early_reports) < MAX_EARLY_REPORTS:
                self._early_reports[packet.ssrc] = packet, arrival_us


def _sender_reports(rtcp: Iterable[tuple[bytes, int]]) -> Iterator[tuple[SenderReport, int]]:
    """The reports, and when each came."""
    for compound, arrival_us in rtcp:
        for packet in read_compound(compound):
            if isinstance(packet, SenderReport):
                yield packet, arrival_us
