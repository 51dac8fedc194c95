"""A recording file: what is announced about it, and what everybody may know."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field

from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import Call, Frozen, Id, UserId


class Resolution(Frozen):
    """A picture size, and when in the file it first shows."""

    width: int
    height: int
    at_ms: int
    """From the start of the file."""


class RecordingFile(Frozen):
    """One MKV file of one participant session, finished and in the store."""

    call: Call
    call_session_id: Id
    egress_id: Id
    user_id: UserId
    user_session_id: Id
    output_type: OutputType
    revision: int = 1
    filename: str
    """With its ending; the key of the object is `keys.recording_file(...)` of it."""
    key: str
    sidecar_key: str
    storage: str
    codecs: tuple[str, ...]
    """Of each track of the file in order: `opus`, `vp8`, `h264`."""
    resolutions: Annotated[tuple[Resolution, ...], Field(max_length=64)] = ()
    """Changes of size as published; the sidecar has all of them when there are more than 64."""
    start_time: AwareDatetime
    """When the first thing in the file was published, on the SFU host's clock."""
    end_time: AwareDatetime
    timeline_offset_ms: int
    """Start of the file minus start of the recording: where an editor puts it on the timeline."""
    duration_ms: int
    size_bytes: int
    sha256: str
    fallback: bool = False
    """Made instead of an audio+video file, since only one of the two was there."""
    complete: bool = True
    """False when something captured could not be read: the sidecar says what is missing."""
