"""Captures for tests: packets, chunks and whole session folders, in a MemoryStore."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

from isotrack.adapters.checksums import crc32c_of
from isotrack.adapters.memory import MemoryStore
from isotrack.media.frames import Frames
from isotrack.media.outline import Headers, TrackOutliner
from isotrack.media.reader import TrackReader
from isotrack.media.track_format import TrackFormat
from isotrack.recording import keys
from isotrack.recording.jobs import Job
from isotrack.recording.manifest import CapturedTrack, Chunk, Manifest, SealReason
from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import Call, ParticipantSession, Source, Track, TrackType
from isotrack.rtp.dump import MAX_RECORDS, read_dump, write_dump
from isotrack.rtp.header import write_header
from isotrack.rtp.packet import read_packets
from isotrack.rtp.records import Records
from isotrack.rtp.rtcp import SenderReport, ntp_from_unix_us, sender_report
from isotrack.rtp.trailer import read_trailer

START_US = 1_760_000_000_000_000
STARTED = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=START_US)
CALL = Call(call_type="default", call_id="standup")
PARTICIPANT_OUTPUTS = (OutputType.AUDIO_ONLY, OutputType.VIDEO_ONLY, OutputType.AUDIO_VIDEO)


class Datagram(NamedTuple):
    """What came in, and when."""

    arrival_us: int
    data: bytes
    is_rtcp: bool = False


def rtp(
    sequence: int,
    timestamp: int,
    payload: bytes,
    *,
    arrival_us: int,
    marker: bool = False,
    payload_type: int = 96,
    ssrc: int = 1234,
) -> Datagram:
    """An RTP packet; the counters may be given unwrapped."""
    header = write_header(payload_type, sequence & 0xFFFF, timestamp % 2**32, ssrc, marker)
    return Datagram(arrival_us, header + payload)


def report(ntp_us: int, timestamp: int, *, arrival_us: int, ssrc: int = 1234) -> Datagram:
    """A sender report."""
    said = SenderReport(ssrc, ntp_from_unix_us(ntp_us), timestamp % 2**32, 1, 1)
    return Datagram(arrival_us, sender_report(said, "alice"), is_rtcp=True)


def dump(datagrams: Sequence[Datagram]) -> bytes:
    """A sealed chunk."""
    length = np.array([len(each.data) for each in datagrams], np.int64)
    return bytes(
        write_dump(
            b"".join(each.data for each in datagrams),
            np.cumsum(length) - length,
            length,
            np.array([each.arrival_us for each in datagrams], np.int64),
            np.array([each.is_rtcp for each in datagrams], np.bool_),
        )
    )


def chunked(datagrams: Sequence[Datagram], size: int) -> Iterator[Records]:
    """The same datagrams as chunks of so many."""
    for at in range(0, len(datagrams), size):
        yield read_dump(dump(datagrams[at : at + size]))


@dataclass
class Sender:
    """Makes the packets of a stream; its state is what the next packet says."""

    payload_type: int = 96
    ssrc: int = 1234
    sequence: int = 65_530
    arrival_us: int = START_US
    sent: list[Datagram] = field(default_factory=list)

    def send(self, timestamp: int, *payloads: bytes, arrival_us: int | None = None) -> None:
        """A frame, one packet for each payload, the marker on the last."""
        if arrival_us is not None:
            self.arrival_us = arrival_us
        for i, payload in enumerate(payloads):
            self.sent.append(
                rtp(
                    self.sequence,
                    timestamp,
                    payload,
                    arrival_us=self.arrival_us,
                    marker=i == len(payloads) - 1,
                    payload_type=self.payload_type,
                    ssrc=self.ssrc,
                )
            )
            self.sequence += 1
            self.arrival_us += 100


VP8 = TrackFormat("vp8", (96,), 90_000)
H264 = TrackFormat("h264", (96,), 90_000)
OPUS = TrackFormat("opus", (111,), 48_000, 2)


class Seen(NamedTuple):
    """A frame as a reader gives it."""

    stream: int
    timestamp: int
    keyframe: bool
    after_loss: bool
    data: bytes


class Reading(NamedTuple):
    """All that a track reader found."""

    frames: list[Seen]
    reader: TrackReader


def read_track(form: TrackFormat, datagrams: Sequence[Datagram], *, size: int = 8192) -> Reading:
    """Read datagrams in chunks of so many, the frames of each stream together."""
    reader = TrackReader(form)
    found: list[Seen] = []
    for records in chunked(datagrams, size):
        for each in reader.push(records):
            found += _seen(each.stream, each.frames)
    for ordinal in range(len(reader.streams)):
        for each in reader.finish(ordinal):
            found += _seen(each.stream, each.frames)
    return Reading(sorted(found, key=lambda frame: frame.stream), reader)


def _seen(stream: int, frames: Frames) -> Iterator[Seen]:
    for i in range(frames.count):
        yield Seen(
            stream,
            int(frames.timestamp[i]),
            bool(frames.keyframe[i]),
            bool(frames.after_loss[i]),
            frames.frame(i),
        )


def headers(chunk: int, body: bytes) -> Headers:
    """What the trailer of a chunk tells, without the rest of it."""
    trailer = read_trailer(np.frombuffer(body, np.uint8))
    assert trailer is not None
    nothing = np.zeros(0, np.uint8)
    columns = (trailer.length * 0, trailer.length, trailer.arrival_us, trailer.is_rtcp)
    packets, _ = read_packets(Records(nothing, *columns, trailer.headers, True))
    return Headers(chunk, packets, trailer.rtcp, trailer.arrival_us[trailer.is_rtcp].tolist())


def outline_track(
    form: TrackFormat, datagrams: Sequence[Datagram], *, size: int = 8192
) -> TrackOutliner:
    """Go through the trailers of the same datagrams as chunks of so many."""
    outliner = TrackOutliner(form)
    for chunk, at in enumerate(range(0, len(datagrams), size)):
        outliner.push(headers(chunk, dump(datagrams[at : at + size])))
    return outliner


@dataclass
class Session:
    """A participant session in a store, as an agent leaves it."""

    store: MemoryStore = field(default_factory=MemoryStore)
    tracks: list[CapturedTrack] = field(default_factory=list)
    output_types: tuple[OutputType, ...] = PARTICIPANT_OUTPUTS
    started_at: datetime = STARTED
    prefix: str = keys.session_prefix(CALL, "eg1", "us-alice")

    def capture(
        self,
        track_type: TrackType,
        datagrams: Iterable[Datagram],
        *,
        mime_type: str | None = None,
        chunk_us: int = 5_000_000,
        **changes: Any,
    ) -> CapturedTrack:
        """Add a track and its chunks, each of packets that came within `chunk_us`."""
        audio = track_type.kind == "audio"
        about = {
            "track_id": f"t{len(self.tracks)}",
            "track_type": track_type,
            "mime_type": mime_type or ("audio/opus" if audio else "video/VP8"),
            "payload_type": 111 if audio else 96,
            "clock_rate": 48_000 if audio else 90_000,
            "channels": 2 if audio else 1,
            "announced_at": self.started_at,
        }
        track = Track.model_validate({**about, **changes})
        parts: list[list[Datagram]] = []
        for each in datagrams:
            full = bool(parts) and len(parts[-1]) == MAX_RECORDS
            if not parts or full or each.arrival_us - parts[-1][0].arrival_us >= chunk_us:
                parts.append([])
            parts[-1].append(each)
        chunks = tuple(self._chunk(track.track_id, i, part) for i, part in enumerate(parts))
        captured = CapturedTrack(track=track, chunks=chunks)
        self.tracks.append(captured)
        return captured

    def seal(self, **changes: Any) -> Manifest:
        """Write the manifest."""
        manifest = Manifest(
            call=CALL,
            call_session_id="cs",
            egress_id="eg1",
            recording_started_at=self.started_at,
            participant=ParticipantSession(
                user_id="alice", user_session_id="us-alice", joined_at=self.started_at
            ),
            tracks=tuple(self.tracks),
            output_types=self.output_types,
            sealed_at=self.started_at,
            reason=SealReason.CALL_ENDED,
            agent_id="agent",
        ).model_copy(update=changes)
        self.store.put(self.manifest_key, manifest.model_dump_json().encode())
        return manifest

    @property
    def manifest_key(self) -> str:
        return keys.manifest(self.prefix)

    def job(self, source: Source = Source.PARTICIPANT, *, revision: int = 1) -> Job:
        return Job(manifest_key=self.manifest_key, revision=revision, source=source)

    def _chunk(self, track_id: str, number: int, part: Sequence[Datagram]) -> Chunk:
        body = dump(part)
        key = keys.chunk(self.prefix, track_id, number)
        self.store.put(key, body)
        return Chunk(
            key=key,
            size_bytes=len(body),
            crc32c=crc32c_of(body),
            packets=len(part),
            first_arrival_us=part[0].arrival_us,
            last_arrival_us=part[-1].arrival_us,
        )


def delayed(datagram: Datagram, by_us: int) -> Datagram:
    """The same datagram, later."""
    return datagram._replace(arrival_us=datagram.arrival_us + by_us)


def vp8_frame(key: bool, body: bytes, *, width: int = 320, height: int = 180) -> bytes:
    """What looks like a VP8 frame to everything but a decoder (RFC 6386, section 9.1)."""
    if not key:
        return b"\x11\x00\x00" + body
    size = width.to_bytes(2, "little") + height.to_bytes(2, "little")
    return b"\x10\x00\x00\x9d\x01\x2a" + size + body


def vp8_payloads(frame: bytes, count: int = 1) -> list[bytes]:
    """A frame in so many RTP payloads (RFC 7741, section 4.2)."""
    room = -(-len(frame) // count)
    parts = [frame[at : at + room] for at in range(0, len(frame), room)]
    return [bytes([0x10 if i == 0 else 0x00]) + part for i, part in enumerate(parts)]


def vp8_call(
    seconds: float,
    *,
    sender: Sender | None = None,
    start_us: int = START_US,
    timestamp: int = 2**32 - 900,
    size: int = 60,
    keyframe_every: int = 30,
    packets: int = 3,
    width: int = 320,
    height: int = 180,
) -> list[Datagram]:
    """Video at 30 frames a second, arriving 2 ms after it was taken."""
    sender = sender or Sender()
    for i in range(int(seconds * 30)):
        body = (i % 251).to_bytes(1) * size
        frame = vp8_frame(i % keyframe_every == 0, body, width=width, height=height)
        arrival = start_us + i * 1_000_000 // 30 + 2000
        sender.send(timestamp + 3000 * i, *vp8_payloads(frame, packets), arrival_us=arrival)
    return sender.sent


def opus_packet(number: int, *, size: int = 60) -> bytes:
    """20 ms of Opus as far as anything but a decoder can tell; tells its number."""
    return b"\xfc" + number.to_bytes(4, "big") + bytes(size)


def opus_call(
    seconds: float,
    *,
    sender: Sender | None = None,
    start_us: int = START_US,
    timestamp: int = 2**32 - 4800,
    first: int = 0,
    size: int = 60,
) -> list[Datagram]:
    """Sound in packets of 20 ms, arriving 12 ms after its first sample was taken."""
    sender = sender or Sender(payload_type=111, ssrc=5678)
    for i in range(int(seconds * 50)):
        arrival = start_us + i * 20_000 + 12_000
        packet = opus_packet(first + i, size=size)
        sender.send(timestamp + 960 * i, packet, arrival_us=arrival)
    return sender.sent
