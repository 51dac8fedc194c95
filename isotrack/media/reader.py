"""One track, chunk by chunk: records in, frames of its streams out, and what was seen on the way.

The reader holds the packets of the last seconds and nothing else, however long the track is. A
track is read twice: first for its clock and for what is in it, then for its frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from isotrack.codecs.h264_pictures import carries_picture
from isotrack.codecs.keyframes import KeyframeReader
from isotrack.media.assembly import Assembler, OpusAssembler, VideoAssembler
from isotrack.media.frames import Frames
from isotrack.media.keyframes import keyframe_reader
from isotrack.media.observations import ClockObservations
from isotrack.media.ordering import OrderingBuffer
from isotrack.media.streams import StreamPackets, StreamSplitter
from isotrack.rtp.dump import Records
from isotrack.rtp.packet import read_packets
from isotrack.rtp.rtcp import SenderReport, read_compound

MAX_EARLY_REPORTS = 16
"""SSRCs whose last sender report is kept until their first packet comes (edge case 189)."""


class TrackFormat(NamedTuple):
    """How to read a track's packets: what signaling said of it."""

    codec: str
    payload_type: int
    clock_rate: int
    channels: int
    ssrc: int | None
    fmtp: dict[str, str]

    @property
    def kind(self) -> str:
        """`audio` or `video`."""
        return "audio" if self.codec == "opus" else "video"


class TrackCounts(NamedTuple):
    """What became of the packets of a track."""

    malformed: int
    foreign: int
    wild: int
    received: int
    lost: int
    duplicates: int
    late: int
    frames_left_out: int


class StreamFrames(NamedTuple):
    """Frames of one stream of a track."""

    stream: int
    frames: Frames


class Stream:
    """What belongs to one stream while it is read."""

    def __init__(self, form: TrackFormat) -> None:
        self.ordering = OrderingBuffer(carries_picture if form.codec == "h264" else None)
        self.clock = ClockObservations(form.clock_rate)
        self.keyframes: KeyframeReader | None = None
        self.assembler: Assembler
        if form.codec == "opus":
            self.assembler = OpusAssembler(form.clock_rate)
        else:
            self.keyframes = keyframe_reader(form.codec, form.fmtp)
            self.assembler = VideoAssembler(form.codec, self.keyframes)


class TrackReader:
    """Reads the chunks of one track in order."""

    def __init__(self, form: TrackFormat) -> None:
        self._form = form
        self._splitter = StreamSplitter(form.payload_type, form.clock_rate, form.ssrc)
        self._malformed = 0
        self._early_reports: dict[int, SenderReport] = {}
        self.streams: list[Stream] = []
        """All streams met so far, by ordinal."""

    def push(self, records: Records) -> list[StreamFrames]:
        """Take in a chunk; give the frames that are whole and in order for good."""
        packets, malformed = read_packets(records)
        self._malformed += malformed
        found = []
        for arrived in self._splitter.split(packets):
            stream = self._stream(arrived)
            stream.clock.add_packets(arrived)
            frames = stream.assembler.push(stream.ordering.push(arrived))
            found.append(StreamFrames(arrived.stream, frames))
        self._read_reports(records)
        if packets.count:
            found += self._finish(int(packets.arrival_us.max()))
        return [each for each in found if each.frames.count]

    def finish(self) -> list[StreamFrames]:
        """The frames still held when the track is over."""
        return [each for each in self._finish(None) if each.frames.count]

    def counts(self) -> TrackCounts:
        """What became of the packets so far."""
        orderings = [stream.ordering for stream in self.streams]
        return TrackCounts(
            malformed=self._malformed,
            foreign=self._splitter.foreign,
            wild=self._splitter.wild,
            received=sum(ordering.received for ordering in orderings),
            lost=sum(ordering.lost for ordering in orderings),
            duplicates=sum(ordering.duplicates for ordering in orderings),
            late=sum(ordering.late for ordering in orderings),
            frames_left_out=sum(stream.assembler.left_out for stream in self.streams),
        )

    def _finish(self, now_us: int | None) -> list[StreamFrames]:
        found = []
        for ordinal, stream in enumerate(self.streams):
            ordered = stream.ordering.finish(now_us)
            if ordered is not None:
                found.append(StreamFrames(ordinal, stream.assembler.push(ordered)))
        return found

    def _stream(self, arrived: StreamPackets) -> Stream:
        while len(self.streams) <= arrived.stream:
            self.streams.append(Stream(self._form))
        return self.streams[arrived.stream]

    def _read_reports(self, records: Records) -> None:
        for packet in (*self._early_reports.values(), *_sender_reports(records)):
            report = self._splitter.report(packet)
            if report is not None:
                self.streams[report.stream].clock.add_report(report)
                self._early_reports.pop(packet.ssrc, None)
            elif packet.ssrc in self._early_reports or len(self._early_reports) < MAX_EARLY_REPORTS:
                self._early_reports[packet.ssrc] = packet


def _sender_reports(records: Records) -> Iterator[SenderReport]:
    """The reports whose sender has a clock (edge case 184)."""
    whole = memoryview(records.buffer)  # type: ignore[arg-type]
    for i in records.is_rtcp.nonzero()[0].tolist():
        at = int(records.offset[i])
        for packet in read_compound(whole[at : at + int(records.length[i])]):
            if isinstance(packet, SenderReport) and packet.ntp:
                yield packet
