"""What must hold of every file that comes out, whatever went in."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Sequence

import av

from isotrack.adapters.memory import MemoryStore
from isotrack.pipeline.muxing import MAX_SHIFT_MS
from isotrack.recording.files import RecordingFile
from isotrack.recording.sidecar import Sidecar
from tests.ebml_reader import Block, Matroska, read_matroska

SLACK_MS = 35_000
"""Of a queue of 15 s there may be something before and behind what came, and reports of a sender
may move it by a little more."""


def check_file(store: MemoryStore, file: RecordingFile, longest_ms: int) -> Matroska:
    """The file is exactly right, no longer than its packets justify, and described."""
    body = store.objects[file.key]
    found = read_matroska(body)
    Sidecar.model_validate_json(store.objects[file.sidecar_key])
    assert file.size_bytes == len(body)
    assert 0 <= file.duration_ms <= longest_ms
    by_track: dict[int, list[Block]] = defaultdict(list)
    for block in found.blocks:
        by_track[block.track].append(block)
    for blocks in by_track.values():
        times = [block.time_ms for block in blocks]
        assert min(times) >= 0
        # Pictures of one millisecond are moved apart.
        assert max(times) <= file.duration_ms + MAX_SHIFT_MS
    return found


def check_players(body: bytes, *, is_damaged: bool) -> None:
    """FFmpeg opens the file, reads it to its end and decodes it.

    Where the bytes of media were damaged, a decoder may refuse a packet; nothing else may happen.
    """
    with av.open(io.BytesIO(body)) as container:
        streams = container.streams.get()
        packets = [packet for packet in container.demux(streams) if packet.size]
        assert packets
        for packet in packets:
            try:
                packet.decode()
            except av.error.InvalidDataError:
                if not is_damaged:
                    raise


def frames_of(files: Sequence[tuple[RecordingFile, Matroska]], kind: str) -> list[list[bytes]]:
    """The frames of the tracks of a kind, of each file that has any."""
    number = {"video": 1, "audio": 2}[kind]
    found = []
    for _, matroska in files:
        tracks = [
            track.get("TrackNumber")
            for track in matroska.tracks
            if track.get("TrackType") == number
        ]
        if tracks:
            found.append([block.frame for block in matroska.blocks if block.track in tracks])
    return found
