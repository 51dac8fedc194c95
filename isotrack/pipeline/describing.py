"""What is said about a file: its names, its Matroska head, its entry in events, its sidecar."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from isotrack.codecs import opus
from isotrack.matroska import tracks as matroska_tracks
from isotrack.matroska.tags import Tag
from isotrack.matroska.tracks import TrackEntry
from isotrack.matroska.writer import MatroskaWriter
from isotrack.media.lanes import Lane, Span
from isotrack.media.silence import SilenceFiller
from isotrack.pipeline.muxing import OutputMuxer
from isotrack.pipeline.survey import Survey
from isotrack.recording import keys
from isotrack.recording.files import RecordingFile, Resolution
from isotrack.recording.manifest import Manifest
from isotrack.recording.outputs import OutputType
from isotrack.recording.sidecar import (
    CapturedStream,
    ClockReport,
    FileTrack,
    Interval,
    MissingChunk,
    PacketCounts,
    Sidecar,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_RESOLUTIONS = 64


def from_unix_us(us: int) -> datetime:
    """An aware datetime, exact to the microsecond."""
    return _EPOCH + timedelta(microseconds=us)


def to_unix_us(time: datetime) -> int:
    """Unix microseconds of an aware datetime."""
    return (time - _EPOCH) // timedelta(microseconds=1)


@dataclass(frozen=True)
class Description:
    """One file to be written: everything about it but its bytes."""

    call_file: RecordingFile
    """As it will be announced, size and digest still empty."""
    found: Survey
    chosen: tuple[int, ...]
    """Numbers of its lanes, in the order of its tracks."""
    start_us: int
    end_us: int
    resolutions: tuple[Resolution, ...]

    @property
    def key(self) -> str:
        """Where it goes."""
        return self.call_file.key

    def file(self, size_bytes: int, sha256: str, *, complete: bool) -> RecordingFile:
        """The finished file."""
        changes = {"size_bytes": size_bytes, "sha256": sha256, "complete": complete}
        return self.call_file.model_copy(update=changes)

    def matroska(self) -> MatroskaWriter:
        """The writer of its bytes."""
        about = self.call_file
        digest = hashlib.sha256(f"{about.key}#{about.revision}".encode()).digest()
        tags = {
            "TITLE": about.filename,
            "DATE_RECORDED": about.start_time.strftime("%Y-%m-%d %H:%M:%S.%f"),
            "ISOTRACK_CALL_CID": about.call.cid,
            "ISOTRACK_EGRESS_ID": about.egress_id,
            "ISOTRACK_USER_ID": about.user_id,
            "ISOTRACK_USER_SESSION_ID": about.user_session_id,
            "ISOTRACK_OUTPUT_TYPE": about.output_type.value,
            "ISOTRACK_START_TIME": about.start_time.isoformat(),
            "ISOTRACK_TIMELINE_OFFSET_MS": str(about.timeline_offset_ms),
        }
        return MatroskaWriter(
            [self._entry(number, lane) for number, lane in self._tracks()],
            duration_ms=about.duration_ms,
            start_ns=self.start_us * 1000,
            title=f"{about.user_id} in {about.call.cid}: {about.output_type.value}",
            tags=[Tag(name, value) for name, value in tags.items()],
            segment_uid=digest[:16],
        )

    def sidecar(
        self,
        file: RecordingFile,
        manifest: Manifest,
        muxer: OutputMuxer,
        fillers: Sequence[SilenceFiller | None],
        missing: Iterable[MissingChunk],
    ) -> Sidecar:
        """Everything known about the file once it is written."""
        tracks = []
        for number, lane in self._tracks():
            index = self.chosen[number - 1]
            filler = fillers[index]
            filled = [
                self._interval(hole.start_us, hole.end_us, "lost" if hole.lost else "silent")
                for hole in (filler.holes if filler else ())
                if hole.end_us > self.start_us
            ]
            frozen = [self._interval(*freeze, "lost") for freeze in muxer.freezes.get(index, ())]
            tracks.append(
                FileTrack(
                    number=number,
                    codec=lane.codec,
                    frames=int(muxer.frames[index]),
                    streams=tuple(self._stream(span) for span in lane.spans),
                    filled=tuple(filled),
                    frozen=tuple(frozen),
                )
            )
        return Sidecar(
            file=file,
            recording_started_at=manifest.recording_started_at,
            tracks=tuple(tracks),
            resolutions=self.resolutions,
            packets=tuple(_packets(self.found)),
            missing_chunks=tuple(missing),
        )

    def _tracks(self) -> Iterable[tuple[int, Lane]]:
        return ((i, self.found.lanes[c]) for i, c in enumerate(self.chosen, start=1))

    def _ms(self, host_us: int) -> int:
        return max(host_us - self.start_us + 500, 0) // 1000

    def _interval(self, start_us: int, end_us: int, reason: str) -> Interval:
        times = {"start_ms": self._ms(start_us), "end_ms": self._ms(end_us)}
        return Interval.model_validate({**times, "reason": reason})

    def _stream(self, span: Span) -> CapturedStream:
        track = self.found.tracks[span.track]
        clock = track.clocks[span.stream]
        about = {
            "basis": clock.basis,
            "residual_ms": clock.residual_us / 1000,
            "reports": len(track.streams[span.stream].clock.reports().timestamp),
        }
        return CapturedStream(
            track_id=track.captured.track.track_id,
            track_type=track.captured.track.track_type,
            start_ms=self._ms(span.start_us),
            end_ms=self._ms(span.end_us),
            clock=ClockReport.model_validate(about),
        )

    def _entry(self, number: int, lane: Lane) -> TrackEntry:
        """The Matroska track of a lane, set up as its first stream begins."""
        first = lane.spans[0]
        track = self.found.tracks[first.track]
        uid_seed = f"{self.call_file.key}#{number}".encode()
        uid = int.from_bytes(hashlib.sha256(uid_seed).digest()[:7]) | 1
        name = track.captured.track.track_type.value.replace("_", " ")
        keyframes = track.streams[first.stream].keyframes
        if keyframes is None:
            channels = min(track.form.channels, 2)  # RFC 7587: Opus has no more in RTP
            head = opus.identification_header(channels)
            return matroska_tracks.opus(number, uid, channels, head, name=name)
        size = keyframes.sizes[0]
        if lane.codec == "vp8":
            return matroska_tracks.vp8(number, uid, size.width, size.height, name=name)
        return matroska_tracks.avc(
            number, uid, size.width, size.height, keyframes.configuration, name=name
        )


def describe(manifest: Manifest, found: Survey, output: OutputType) -> Description:
    """Say of a file of this output type all that is known before it is written."""
    kinds = output.kinds
    chosen = tuple(i for i, lane in enumerate(found.lanes) if lane.kind in kinds)
    lanes = [found.lanes[c] for c in chosen]
    start_us = min(lane.start_us for lane in lanes)
    end_us = max(lane.end_us for lane in lanes)
    resolutions = tuple(_resolutions(found, lanes, start_us))
    session = manifest.participant
    zero_us = to_unix_us(manifest.recording_started_at)
    name = keys.filename(
        manifest.call, session.user_id, session.user_session_id, output, zero_us // 1000
    )
    revision = f".r{manifest.revision}" if manifest.revision > 1 else ""
    place = (manifest.call, manifest.egress_id, session.user_session_id)
    file = RecordingFile(
        call=manifest.call,
        call_session_id=manifest.call_session_id,
        egress_id=manifest.egress_id,
        user_id=session.user_id,
        user_session_id=session.user_session_id,
        output_type=output,
        revision=manifest.revision,
        filename=f"{name}{revision}.mkv",
        key=keys.recording_file(*place, f"{name}{revision}.mkv"),
        sidecar_key=keys.recording_file(*place, f"{name}{revision}.json"),
        storage=manifest.storage,
        codecs=tuple(lane.codec for lane in lanes),
        resolutions=resolutions[:MAX_RESOLUTIONS],
        start_time=from_unix_us(start_us),
        end_time=from_unix_us(end_us),
        timeline_offset_ms=(start_us - zero_us + 500) // 1000,
        duration_ms=(end_us - start_us + 500) // 1000,
        size_bytes=0,
        sha256="",
        fallback=output not in manifest.output_types,
    )
    return Description(file, found, chosen, start_us, end_us, resolutions)


def _resolutions(found: Survey, lanes: Sequence[Lane], start_us: int) -> Iterable[Resolution]:
    """The sizes of the first video lane, each when it first shows."""
    video = next((lane for lane in lanes if lane.kind == "video"), None)
    last = None
    for span in video.spans if video else ():
        track = found.tracks[span.track]
        keyframes = track.streams[span.stream].keyframes
        for size in keyframes.sizes if keyframes else ():
            at_us = int(track.clocks[span.stream].host_us_at(size.timestamp))
            if last != (size.width, size.height):
                last = size.width, size.height
                at_ms = max(at_us - start_us + 500, 0) // 1000
                yield Resolution(width=size.width, height=size.height, at_ms=at_ms)


def _packets(found: Survey) -> Iterable[PacketCounts]:
    for track in found.tracks:
        yield PacketCounts(
            track_id=track.captured.track.track_id,
            dropped_datagrams=track.captured.dropped_datagrams,
            kernel_drops=track.captured.kernel_drops,
            **track.counts._asdict(),
        )
