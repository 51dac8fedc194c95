"""What came of a recording and was told: files, and failures with their reason."""

from __future__ import annotations

from pydantic import AwareDatetime

from isotrack.recording.files import RecordingFile
from isotrack.recording.tracks import Call, Frozen, Source


class FailureReason(Frozen):
    """Why files that were asked for will not come, and whose."""

    code: str
    """A class of `recording.errors`, or the name of the error as the state machine caught it."""
    message: str
    user_id: str | None = None
    """None where not even the manifest can be read, or nobody in particular is concerned."""
    user_session_id: str | None = None
    source: Source | None = None
    """None when all sources of the participant session are concerned."""
    retryable: bool
    """Whether it may work when it is run again with nothing changed."""


class RecordingFailure(Frozen):
    """A participant session, or one source of it, that gave no file."""

    call: Call
    egress_id: str
    revision: int = 1
    reason: FailureReason


class OutcomeRecord(Frozen):
    """A file or a failure in the table: when it was first known, and whether it was told."""

    outcome: RecordingFile | RecordingFailure
    created_at: AwareDatetime
    announced: bool = False
