"""The sidecar: what is known of a file's time, loss and fillers, as JSON beside it.

It answers two questions: how sure are we of this sync (`sync`), and what is missing
(`completeness`)? All the rest is what these answers come from. However long and however damaged a
recording is, no list but that of its chunks is longer than some thousand entries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import AwareDatetime

from isotrack.recording.files import RecordingFile
from isotrack.recording.manifest import SealReason
from isotrack.recording.sidecar_time import Sync, Timeline
from isotrack.recording.sidecar_tracks import FileTrack, FilledMs
from isotrack.recording.tracks import Frozen, TrackType


class Completeness(Frozen):
    """What of the participant's media is not in the file: for people.

    Only those captured tracks count that the file is made of, or would have been made of.
    """

    complete: bool
    """By the rules in `isotrack.recording.verdicts`."""
    reasons: tuple[str, ...]
    """Why not; empty when complete."""
    lost_packets: int
    """That never came, nor could be repaired."""
    repaired_packets: int
    """That were lost, and that repair brought."""
    frames_left_out: int
    """That came, and could not be decoded without what was lost before them."""
    frozen_ms: int
    silence_filled_ms: FilledMs
    missing_chunks: int
    damaged_chunks: int
    """Read as far as it goes."""
    unplayable_tracks: int


class RepairReport(Frozen):
    """What repair had to do with: see `PacketCounts.restored` for how much of it was of use."""

    rtx_received: int
    """Retransmissions (RFC 4588)."""
    rtx_unpaired: int
    """Of an SSRC that could not be tied to one of media."""
    fec_received: int
    """Packets of forward error correction (RFC 5109, FlexFEC)."""
    fec_recovered: int
    fec_unsupported: int
    fec_discarded: int
    malformed: int


class PacketCounts(Frozen):
    """What became of the packets of a captured track."""

    track_id: str
    received: int
    restored: int
    """Of those received, the ones that repair brought (RTX, RED, FEC)."""
    lost: int
    duplicates: int
    late: int
    malformed: int
    foreign: int
    wild: int
    dropped_datagrams: int
    kernel_drops: int
    frames_left_out: int
    repairs: RepairReport | None = None
    """None where nothing was announced for it."""


@dataclass(frozen=True, slots=True)
class UsedChunk:
    """A chunk that the file was made from: there are thousands, so they are kept small."""

    name: str
    """Its key is `prefix` and this."""
    size_bytes: int
    crc32c: int
    packets: int
    first_ms: int
    """When its first packet came, in milliseconds from the start of the file: may be negative."""
    last_ms: int


class ChunkList(Frozen):
    """The chunks of a captured track that the file was made from, oldest first."""

    track_id: str
    prefix: str
    chunks: tuple[UsedChunk, ...]


class MissingChunk(Frozen):
    """A chunk that the manifest lists and that could not be used, wholly or in part."""

    key: str
    problem: Literal["missing", "corrupt", "torn"]
    detail: str


class UnplayableTrack(Frozen):
    """A captured track of the source of which nothing is in any file."""

    track_id: str
    track_type: TrackType
    problem: str


class Capture(Frozen):
    """How the capture ended that the file was made from."""

    agent_id: str
    manifest_revision: int
    sealed_by: Literal["agent", "watchdog"]
    sealed_at: AwareDatetime
    reason: SealReason


class Versions(Frozen):
    """What made the file, and this."""

    isotrack: str
    python: str
    numpy: str


class Sidecar(Frozen):
    """Everything known about one recording file."""

    schema_version: Literal[2] = 2
    sync: Sync
    """How sure are we of this sync?"""
    completeness: Completeness
    """What is missing?"""
    file: RecordingFile
    timeline: Timeline
    tracks: tuple[FileTrack, ...]
    packets: tuple[PacketCounts, ...]
    """Of all captured tracks of the source."""
    unplayable: tuple[UnplayableTrack, ...]
    missing_chunks: tuple[MissingChunk, ...]
    """Of all captured tracks of the source."""
    chunks: tuple[ChunkList, ...]
    capture: Capture
    versions: Versions
