"""The manifest: the commit of a participant session, written once, after all of its chunks."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints
from pydantic.dataclasses import dataclass

from isotrack.recording.options import RemuxOptions
from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import Call, Frozen, Id, ParticipantSession, Track


# No model: a day of a call has 11,000, which would be five times as large.
@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A sealed run of one track's packets, as it stands in the store."""

    key: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    size_bytes: Annotated[int, Field(ge=0)]
    crc32c: Annotated[int, Field(ge=0, le=0xFFFFFFFF)]
    """CRC-32C (Castagnoli, RFC 3720) of the whole object, as S3 confirmed it."""
    packets: Annotated[int, Field(ge=0)]
    """RTP and RTCP records in it."""
    first_arrival_us: int
    """Arrival of its first record, Unix microseconds on the SFU host's clock."""
    last_arrival_us: int


class CapturedTrack(Frozen):
    """A track as announced, and the chunks that hold its packets, oldest first."""

    track: Track
    chunks: tuple[Chunk, ...]
    dropped_datagrams: Annotated[int, Field(ge=0)] = 0
    """Datagrams that came to its ports and were neither RTP nor RTCP of it."""
    kernel_drops: Annotated[int, Field(ge=0)] = 0
    """Datagrams the host's socket buffer had no room for."""


class SealReason(StrEnum):
    """Why a participant session was sealed."""

    PARTICIPANT_LEFT = "participant_left"
    RECORDING_STOPPED = "recording_stopped"
    CALL_ENDED = "call_ended"
    AGENT_SHUTDOWN = "agent_shutdown"
    AGENT_LOST = "agent_lost"


class Manifest(Frozen):
    """All that was captured of one participant session while a recording ran."""

    schema_version: Literal[1] = 1
    revision: Annotated[int, Field(ge=1)] = 1
    call: Call
    call_session_id: Id
    egress_id: Id
    recording_started_at: AwareDatetime
    """When the recording started on the SFU host's clock: zero of the timeline of all its files."""
    participant: ParticipantSession
    tracks: tuple[CapturedTrack, ...]
    output_types: tuple[OutputType, ...]
    options: RemuxOptions = RemuxOptions()
    storage: str = "isotrack"
    """Name of the storage the files are delivered to; ours by default."""
    sealed_by: Literal["agent", "watchdog"] = "agent"
    sealed_at: AwareDatetime
    reason: SealReason
    agent_id: str
