"""The sidecar of a file: everything that is known about it once it is written."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence

import numpy as np

from isotrack import __version__
from isotrack.media.lanes import Span
from isotrack.pipeline.clipping import Clip
from isotrack.pipeline.describing import Description
from isotrack.pipeline.merging import LaneMerger
from isotrack.pipeline.muxing import OutputMuxer
from isotrack.pipeline.track_reports import TrackReporter
from isotrack.recording.files import RecordingFile
from isotrack.recording.manifest import CapturedTrack, Chunk
from isotrack.recording.sidecar import (
    Capture,
    ChunkList,
    MissingChunk,
    PacketCounts,
    RepairReport,
    Sidecar,
    UnplayableTrack,
    UsedChunk,
    Versions,
)
from isotrack.recording.sidecar_time import Bounds, Timeline, WallClock
from isotrack.recording.sidecar_tracks import CapturedStream, FileTrack
from isotrack.recording.verdicts import judge_completeness, judge_sync


def make_sidecar(
    file: RecordingFile,
    description: Description,
    muxer: OutputMuxer,
    merger: LaneMerger,
    missing: Iterable[MissingChunk],
) -> Sidecar:
    """Say everything that is known about a finished file."""
    clip = Clip(description.start_us, muxer.end_us)
    tracks = _tracks(description, muxer, merger, clip)
    spans = [span for _, lane in description.tracks() for span in lane.spans]
    used = [description.found.tracks[i].captured for i in sorted({each.track for each in spans})]
    streams = [stream for track in tracks for stream in track.streams]
    wall_clock = _wall_clock(description, spans, streams)
    packets, lacking = _packets(description, merger), tuple(missing)
    unplayable = _unplayable(description)
    return Sidecar(
        sync=judge_sync(streams, wall_clock),
        completeness=judge_completeness(
            tracks,
            [each for each in packets if each.track_id in {it.track.track_id for it in used}],
            _missing_of(used, lacking),
            _in_vain(description, unplayable),
        ),
        file=file,
        timeline=_timeline(file, description, wall_clock),
        tracks=tuple(tracks),
        packets=packets,
        unplayable=unplayable,
        missing_chunks=lacking,
        chunks=tuple(_chunks(each, lacking, clip) for each in used),
        capture=_capture(description),
        versions=Versions(
            isotrack=__version__,
            python=platform.python_version(),
            numpy=np.__version__,
        ),
    )


def _tracks(
    description: Description, muxer: OutputMuxer, merger: LaneMerger, clip: Clip
) -> list[FileTrack]:
    reporter = TrackReporter(description, merger, clip)
    tracks = []
    for number, lane in description.tracks():
        index = description.chosen[number - 1]
        filler, extent = merger.fillers[index], muxer.extents[index]
        if filler is None:
            tracks.append(reporter.video(number, lane, extent))
        else:
            tracks.append(reporter.audio(number, lane, extent, filler))
    return tracks


def _wall_clock(
    description: Description, spans: Iterable[Span], streams: Sequence[CapturedStream]
) -> WallClock:
    clocks = (description.found.tracks[span.track].streams[span.stream].clock for span in spans)
    told = (stream.clock.sender_ahead_ms for stream in streams)
    ahead = [each for each in told if each is not None]
    return WallClock(
        host_set_back=max(clock.set_back for clock in clocks),
        sender_ahead_ms=Bounds(least_ms=min(ahead), most_ms=max(ahead)) if ahead else None,
    )


def _timeline(file: RecordingFile, description: Description, wall_clock: WallClock) -> Timeline:
    return Timeline(
        recording_started_at=description.manifest.recording_started_at,
        offset_ms=file.timeline_offset_ms,
        starts_at=file.start_time,
        ends_at=file.end_time,
        duration_ms=file.duration_ms,
        wall_clock=wall_clock,
    )


def _packets(description: Description, merger: LaneMerger) -> tuple[PacketCounts, ...]:
    found = []
    for track, counts, reader in zip(
        description.found.tracks, merger.counts(), merger.readers, strict=True
    ):
        repairs = reader.repairs()
        found.append(
            PacketCounts(
                track_id=track.captured.track.track_id,
                dropped_datagrams=track.captured.dropped_datagrams,
                kernel_drops=track.captured.kernel_drops,
                repairs=None if repairs is None else RepairReport(**repairs._asdict()),
                **counts._asdict(),
            )
        )
    return tuple(found)


def _unplayable(description: Description) -> tuple[UnplayableTrack, ...]:
    """The captured tracks of the source of which nothing is in any file."""
    source = description.output.source
    problems = {each.captured.track.track_id: each.problem for each in description.found.tracks}
    listed = [
        (each.track, problems.get(each.track.track_id, f"{each.track.mime_type} is not supported"))
        for each in description.manifest.tracks
        if each.track.track_type.source is source
    ]
    return tuple(
        UnplayableTrack(track_id=track.track_id, track_type=track.track_type, problem=problem)
        for track, problem in listed
        if problem
    )


def _in_vain(
    description: Description, unplayable: Sequence[UnplayableTrack]
) -> list[UnplayableTrack]:
    """Those of which packets were captured that would have been in this file."""
    is_fallback = description.output not in description.manifest.output_types
    captured = {
        each.track.track_id for each in description.manifest.tracks if _packet_count(each.chunks)
    }
    return [
        each
        for each in unplayable
        if each.track_id in captured
        and (is_fallback or each.track_type.kind in description.output.kinds)
    ]


def _packet_count(chunks: Iterable[Chunk]) -> int:
    return sum(chunk.packets for chunk in chunks)


def _missing_of(
    used: Iterable[CapturedTrack], lacking: Iterable[MissingChunk]
) -> list[MissingChunk]:
    keys = {chunk.key for each in used for chunk in each.chunks}
    return [each for each in lacking if each.key in keys]


def _chunks(captured: CapturedTrack, lacking: Iterable[MissingChunk], clip: Clip) -> ChunkList:
    """The chunks of a track, those left out that were not there."""
    absent = {each.key for each in lacking if each.problem == "missing"}
    there = [chunk for chunk in captured.chunks if chunk.key not in absent]
    folders = {chunk.key.rpartition("/")[0] for chunk in there}
    prefix = f"{folders.pop()}/" if len(folders) == 1 else ""
    return ChunkList(
        track_id=captured.track.track_id,
        prefix=prefix,
        chunks=tuple(
            UsedChunk(
                name=chunk.key.removeprefix(prefix),
                size_bytes=chunk.size_bytes,
                crc32c=chunk.crc32c,
                packets=chunk.packets,
                first_ms=clip.ms(chunk.first_arrival_us),
                last_ms=clip.ms(chunk.last_arrival_us),
            )
            for chunk in there
        ),
    )


def _capture(description: Description) -> Capture:
    manifest = description.manifest
    return Capture(
        agent_id=manifest.agent_id,
        manifest_revision=manifest.revision,
        sealed_by=manifest.sealed_by,
        sealed_at=manifest.sealed_at,
        reason=manifest.reason,
    )
