"""The manifest of a whole recording, `recording.json`: every participant, file, timing, failure."""

from __future__ import annotations

from typing import Literal

from isotrack.recording.files import Resolution
from isotrack.recording.outcomes import FailureReason
from isotrack.recording.outputs import OutputType
from isotrack.recording.timestamps import Timestamp
from isotrack.recording.tracks import Call, Frozen


class RecordedFile(Frozen):
    """A file of a participant session, the newest of its name."""

    filename: str
    key: str
    sidecar_key: str
    revision: int
    output_type: OutputType
    codecs: tuple[str, ...]
    resolutions: tuple[Resolution, ...]
    start_time: Timestamp
    end_time: Timestamp
    timeline_offset_ms: int
    """Start of the file minus start of the recording."""
    duration_ms: int
    size_bytes: int
    sha256: str
    fallback: bool
    complete: bool


class RecordedParticipant(Frozen):
    """A participant session of the recording."""

    user_session_id: str
    user_id: str | None
    """None where nothing that can be read says whose session it was."""
    revision: int
    """1, or higher where its files were made again."""
    files: tuple[RecordedFile, ...]
    """By name; none where nothing was published of what was asked for."""
    failures: tuple[FailureReason, ...]


class RecordingManifest(Frozen):
    """All that came of a recording. The same outcomes give the same bytes."""

    schema_version: Literal[1] = 1
    call: Call
    call_session_id: str
    egress_id: str
    revision: int
    """1, or higher where files were made again."""
    started_at: Timestamp
    """Zero of the timeline of all files."""
    ended_at: Timestamp | None
    completed_at: Timestamp
    """When the recording had ended and the last outcome was known."""
    output_types: tuple[OutputType, ...]
    storage: str
    participants: tuple[RecordedParticipant, ...]
    """By `user_session_id`."""
    failures: tuple[FailureReason, ...]
    """Those of nobody in particular."""
