"""What is said about a file: its names, its Matroska head, its entry in events, its sidecar."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from isotrack.matroska.tags import Tag
from isotrack.matroska.tracks import TrackEntry
from isotrack.matroska.writer import MatroskaWriter
from isotrack.media.lanes import Lane
from isotrack.pipeline.entries import track_entry
from isotrack.pipeline.merging import LaneMerger
from isotrack.pipeline.muxing import OutputMuxer
from isotrack.pipeline.orientation import shown_sizes
from isotrack.pipeline.showing import seen_sizes
from isotrack.pipeline.survey import Survey
from isotrack.recording import keys
from isotrack.recording.files import RecordingFile, Resolution
from isotrack.recording.manifest import Manifest
from isotrack.recording.outputs import OutputType

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

    manifest: Manifest
    found: Survey
    output: OutputType
    chosen: tuple[int, ...]
    """Numbers of its lanes, in the order of its tracks."""
    start_us: int

    @property
    def filename(self) -> str:
        """With its ending."""
        return f"{self._name}.mkv"

    @property
    def key(self) -> str:
        """Where it goes."""
        return self._key(self.filename)

    @property
    def _name(self) -> str:
        manifest, session = self.manifest, self.manifest.participant
        return keys.filename(
            manifest.call,
            session.user_id,
            session.user_session_id,
            self.output,
            self._zero_us // 1000,
        )

    def _key(self, name: str) -> str:
        manifest, session_id = self.manifest, self.manifest.participant.user_session_id
        return keys.recording_file(
            manifest.call, manifest.egress_id, session_id, name, manifest.revision
        )

    @property
    def _zero_us(self) -> int:
        return to_unix_us(self.manifest.recording_started_at)

    @property
    def _timeline_offset_ms(self) -> int:
        return (self.start_us - self._zero_us + 500) // 1000

    def file(
        self,
        muxer: OutputMuxer,
        resolutions: Sequence[Resolution],
        *,
        size_bytes: int,
        sha256: str,
        complete: bool,
    ) -> RecordingFile:
        """The finished file, as it is announced."""
        manifest, session = self.manifest, self.manifest.participant
        return RecordingFile(
            call=manifest.call,
            call_session_id=manifest.call_session_id,
            egress_id=manifest.egress_id,
            user_id=session.user_id,
            user_session_id=session.user_session_id,
            output_type=self.output,
            revision=manifest.revision,
            filename=self.filename,
            key=self.key,
            sidecar_key=self._key(f"{self._name}.json"),
            storage=manifest.storage,
            codecs=tuple(self.found.lanes[c].codec for c in self.chosen),
            resolutions=tuple(resolutions[:MAX_RESOLUTIONS]),
            start_time=from_unix_us(self.start_us),
            end_time=from_unix_us(muxer.end_us),
            timeline_offset_ms=self._timeline_offset_ms,
            duration_ms=(muxer.end_us - self.start_us + 500) // 1000,
            size_bytes=size_bytes,
            sha256=sha256,
            fallback=self.output not in manifest.output_types,
            complete=complete,
        )

    def matroska(self) -> MatroskaWriter:
        """The writer of its bytes."""
        manifest, session = self.manifest, self.manifest.participant
        digest = hashlib.sha256(f"{self.key}#{manifest.revision}".encode()).digest()
        start = from_unix_us(self.start_us)
        tags = {
            "TITLE": self.filename,
            "DATE_RECORDED": start.strftime("%Y-%m-%d %H:%M:%S.%f"),
            "ISOTRACK_CALL_CID": manifest.call.cid,
            "ISOTRACK_EGRESS_ID": manifest.egress_id,
            "ISOTRACK_USER_ID": session.user_id,
            "ISOTRACK_USER_SESSION_ID": session.user_session_id,
            "ISOTRACK_OUTPUT_TYPE": self.output.value,
            "ISOTRACK_START_TIME": start.isoformat(),
            "ISOTRACK_TIMELINE_OFFSET_MS": str(self._timeline_offset_ms),
        }
        return MatroskaWriter(
            self.entries(),
            start_ns=self.start_us * 1000,
            title=f"{session.user_id} in {manifest.call.cid}: {self.output.value}",
            tags=[Tag(name, value) for name, value in tags.items()],
            segment_uid=digest[:16],
        )

    def entries(self, merger: LaneMerger | None = None) -> list[TrackEntry]:
        """Its Matroska tracks, with the largest picture of each once the media has been read."""
        entries = []
        for number, lane in self.tracks():
            sizes = (
                [] if merger is None else [size for _, size in seen_sizes(lane, self.found, merger)]
            )
            largest = max(sizes, key=lambda size: size.width * size.height, default=None)
            entry = track_entry(number, lane, self.found, self.key, largest)
            roll_degrees = 0 if merger is None else merger.orientation(lane).roll_degrees
            entries.append(entry._replace(roll_degrees=roll_degrees))
        return entries

    def tracks(self) -> Iterator[tuple[int, Lane]]:
        """The number and the lane of each track."""
        return ((i, self.found.lanes[c]) for i, c in enumerate(self.chosen, start=1))

    def resolutions(self, merger: LaneMerger) -> list[Resolution]:
        """The sizes of the first video lane, each when it first shows."""
        video = next((lane for _, lane in self.tracks() if lane.kind == "video"), None)
        return [] if video is None else self.resolutions_of(video, merger)

    def resolutions_of(self, lane: Lane, merger: LaneMerger) -> list[Resolution]:
        """The sizes of a lane's picture as players show it, each when it first shows."""
        found: list[Resolution] = []
        sizes = seen_sizes(lane, self.found, merger)
        for at_us, width, height in shown_sizes(sizes, merger.orientation(lane)):
            last = found[-1] if found else None
            if last is None or (last.width, last.height) != (width, height):
                found.append(Resolution(width=width, height=height, at_ms=self.ms(at_us)))
        return found

    def ms(self, host_us: int) -> int:
        """Milliseconds in the file of a time on the host's clock."""
        return max(host_us - self.start_us + 500, 0) // 1000


def describe(manifest: Manifest, found: Survey, output: OutputType) -> Description:
    """Say of a file of this output type all that is known before it is written."""
    chosen = tuple(i for i, lane in enumerate(found.lanes) if lane.kind in output.kinds)
    start_us = min(found.lanes[c].start_us for c in chosen)
    return Description(manifest, found, output, chosen, start_us)
