"""One track, chunk by chunk: records in, frames of its streams out.

The reader holds the packets of the last seconds and nothing else, however long the track is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from isotrack.codecs import dependency_descriptor
from isotrack.codecs.audio import audio_codec
from isotrack.media.assembly import Assembler, AudioAssembler, VideoAssembler
from isotrack.media.frames import Frames
from isotrack.media.ordering import OrderingBuffer
from isotrack.media.repair import RepairCounts, Repairer
from isotrack.media.rids import RidBindings
from isotrack.media.streams import KnownStream, StreamPackets, StreamSplitter
from isotrack.media.track_format import TrackFormat
from isotrack.media.video_codecs import video_codec
from isotrack.rtp import audio_level, video_orientation
from isotrack.rtp.packet import read_packets
from isotrack.rtp.records import Records
from isotrack.rtp.rtx_pairing import RID
from isotrack.rtp.trailer import RECORD_HEADER


class TrackCounts(NamedTuple):
    """What became of the packets of a track."""

    malformed: int
    foreign: int
    wild: int
    received: int
    restored: int
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
        self.assembler: Assembler
        if form.kind == "audio":
            codec = audio_codec(form.codec, form.clock_rate, form.channels, form.fmtp)
            level_id = form.header_extensions.get(audio_level.URI)
            self.assembler = AudioAssembler(codec, level_id)
            red = form.repair is not None and form.repair.red_payload_type is not None
            self.ordering = OrderingBuffer(copies=red)
        else:
            video = video_codec(form.codec, form.fmtp)
            descriptor_id = form.header_extensions.get(dependency_descriptor.URI)
            orientation_id = form.header_extensions.get(video_orientation.URI)
            self.assembler = VideoAssembler(video, descriptor_id, orientation_id)
            self.ordering = OrderingBuffer(video.pictures)


class TrackReader:
    """Reads the chunks of one track in order.

    Args:
        form: of the track.
        known: its streams, if the track was gone through before (`outline`).
    """

    def __init__(self, form: TrackFormat, known: Sequence[KnownStream] = ()) -> None:
        self._form = form
        self._splitter = StreamSplitter(form.payload_types, form.clock_rate, form.ssrcs, known)
        self._repairer = None if form.repair is None else Repairer(form.repair)
        self._malformed = 0
        self._bindings = RidBindings(form.header_extensions.get(RID))
        self.streams = [Stream(form) for _ in known]
        """All streams known or met so far, by ordinal."""

    def push(self, records: Records) -> list[StreamFrames]:
        """Take in a chunk; give the frames that are whole and in order for good."""
        packets, malformed = read_packets(records)
        self._malformed += malformed
        if self._repairer is not None:
            packets = self._repairer.push(packets)
        arrivals = self._splitter.split(packets)
        # Before the first record there is nothing that is still needed, for one stream to use; but
        # in a buffer that splitting made, what had waited to be confirmed lies there.
        alone = len(arrivals) == 1 and arrivals[0].packets.buffer is records.buffer
        room = int(records.offset[0]) - RECORD_HEADER if alone else 0
        found = []
        for arrived in arrivals:
            stream = self._stream(arrived)
            self._bindings.learn(arrived.packets)
            frames = stream.assembler.push(stream.ordering.push(arrived, room))
            found.append(StreamFrames(arrived.stream, frames))
        if packets.count and len(self.streams) > len(arrivals):
            now_us = int(packets.arrival_us.max())
            for ordinal in range(len(self.streams)):
                found += self._finish(ordinal, now_us)
        return [each for each in found if each.frames.count]

    @property
    def rids(self) -> Mapping[int, str]:
        """The layers that packets said they are of, by SSRC."""
        return self._bindings.rids

    def finish(self, ordinal: int) -> list[StreamFrames]:
        """The frames still held of a stream that is over."""
        if ordinal >= len(self.streams):
            return []
        return [each for each in self._finish(ordinal, None) if each.frames.count]

    def counts(self) -> TrackCounts:
        """What became of the packets so far."""
        orderings = [stream.ordering for stream in self.streams]
        return TrackCounts(
            malformed=self._malformed,
            foreign=self._splitter.foreign,
            wild=self._splitter.wild,
            received=sum(ordering.received for ordering in orderings),
            restored=sum(ordering.restored for ordering in orderings),
            lost=sum(ordering.lost for ordering in orderings),
            duplicates=sum(ordering.duplicates for ordering in orderings),
            late=sum(ordering.late for ordering in orderings),
            frames_left_out=sum(stream.assembler.left_out for stream in self.streams),
        )

    def repairs(self) -> RepairCounts | None:
        """What repair had to do with; None where nothing was announced for it."""
        return None if self._repairer is None else self._repairer.counts()

    def _finish(self, ordinal: int, now_us: int | None) -> list[StreamFrames]:
        stream = self.streams[ordinal]
        ordered = stream.ordering.finish(now_us)
        return [] if ordered is None else [StreamFrames(ordinal, stream.assembler.push(ordered))]

    def _stream(self, arrived: StreamPackets) -> Stream:
        while len(self.streams) <= arrived.stream:
            self.streams.append(Stream(self._form))
        return self.streams[arrived.stream]
