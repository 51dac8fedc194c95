"""Recordings of a call: start, stop, list, delete, and make their files again."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field, StringConstraints

from isotrack.contract.fields import Limit, Maybe, PageToken
from isotrack.contract.times import Timed, Timestamp
from isotrack.recording.events import CallRecording
from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import Frozen, Id, UserId

URL_LIFETIME = timedelta(days=7)
"""How long a link to a file is good: as long as a signature of S3 can be."""


class StartRecordingRequest(Frozen):
    """Body of a start; may be left out."""

    recording_external_storage: Annotated[str, StringConstraints(min_length=1)] | None = None
    """Name of the storage the files go to; ours when it is left out."""


class StopRecordingRequest(Frozen):
    """Body of a stop; may be left out."""


class StartRecordingResponse(Timed):
    """A recording was asked for; `call.recording_started` says when it runs."""

    egress_id: str
    """Of the recording, as in all its events."""


class StopRecordingResponse(Timed):
    """The recording was told to stop; `call.recording_stopped` says when it has."""


class ListRecordingsQuery(Frozen):
    """Which recordings are wanted; all of the call when nothing is said."""

    user_id: UserId | None = None
    user_session_id: Id | None = None
    output_type: OutputType | None = None
    egress_id: Id | None = None
    limit: Limit | None = None
    """Recordings on a page; None gives all."""
    next: PageToken | None = None


class ListRecordingsResponse(Timed):
    """Recording files by recording and name, each with links good for `URL_LIFETIME`."""

    recordings: tuple[CallRecording, ...]
    next: Maybe[str] = None
    """Where the next page begins; left out after the last one."""


class DeleteRecordingResponse(Timed):
    """The recording is gone."""


class ReprocessRecordingResponse(Timed):
    """The files of a recording are made anew of what was captured, as the next revision."""

    egress_id: str
    user_session_ids: tuple[str, ...]
    """Whose files are made: all participant sessions of the recording."""
    started_at: Timestamp
    revision: Annotated[int, Field(ge=1)]
