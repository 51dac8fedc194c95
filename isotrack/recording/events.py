"""The events of a recording, `call.recording_{started,stopped,ready,failed,completed}`.

Clients of the compatible API know all fields of an event but `event_id`, and the first six of a
`CallRecording`; the others, and the whole of `call.recording_completed`, are added. An event's id
is made of what it is about, so that an event sent twice is one event.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID, uuid5

from pydantic import Field

from isotrack.recording.files import RecordingFile, Resolution
from isotrack.recording.outcomes import FailureReason, RecordingFailure
from isotrack.recording.timestamps import Timestamp
from isotrack.recording.tracks import Frozen

RECORDING_TYPE = "individual"
NAMESPACE = UUID("7e0f2b0c-6a52-5d0e-9a43-1f5d3c1f8f27")
"""Of every event id (RFC 9562 section 5.5); never to be changed."""


class CallEvent(Frozen):
    """What every event says, of recordings or not."""

    type: str
    created_at: Timestamp
    call_cid: str
    event_id: str


class RecordingEvent(CallEvent):
    """What every event of a recording says."""

    egress_id: str
    recording_type: Literal["individual"] = "individual"


class CallRecordingStarted(RecordingEvent):
    """An agent records the call."""

    type: Literal["call.recording_started"] = "call.recording_started"


class CallRecordingStopped(RecordingEvent):
    """No agent records the call any more; files may still be made."""

    type: Literal["call.recording_stopped"] = "call.recording_stopped"


class FileState(StrEnum):
    """Whether a recording file has all that was captured of what it shows."""

    READY = "ready"
    PARTIAL = "partial"
    """Something captured could not be read: the sidecar says what."""


class CallRecording(Frozen):
    """A recording file as events and lists show it."""

    filename: str
    url: str
    start_time: Timestamp
    end_time: Timestamp
    session_id: str
    """Of the call, not of the participant: that is `user_session_id`."""
    recording_type: Literal["individual"] = "individual"
    user_id: str
    user_session_id: str
    egress_id: str
    """Of the recording that the file is part of."""
    output_type: str
    state: FileState
    codecs: tuple[str, ...]
    """Of each track of the file in order: `opus`, `vp8`, `h264`."""
    resolutions: tuple[Resolution, ...]
    duration_ms: int
    size_bytes: int
    sha256: str
    timeline_offset_ms: int
    """Start of the file minus start of the recording: where an editor puts it on the timeline."""
    storage: str
    key: str
    sidecar_url: str
    """Of a JSON object that tells the file's time, loss and fillers exactly."""
    fallback: bool
    """Made instead of an audio+video file, since only one of the two was there."""
    revision: int
    """1, or higher for a file that was made again."""


class CallRecordingReady(RecordingEvent):
    """A file can be fetched; there is one such event for each file."""

    type: Literal["call.recording_ready"] = "call.recording_ready"
    call_recording: CallRecording


class CallRecordingFailed(RecordingEvent):
    """Files that were asked for will not come."""

    type: Literal["call.recording_failed"] = "call.recording_failed"
    error: FailureReason


MAX_FAILURES_TOLD = 50
"""In one event, which the bus takes up to 256 KB of; the manifest of the recording has all."""


class CallRecordingCompleted(RecordingEvent):
    """Every file of a recording is made, or will not come: there is nothing more to wait for."""

    type: Literal["call.recording_completed"] = "call.recording_completed"
    revision: int
    """1, or higher when files were made again after the recording was complete."""
    manifest_url: str
    """Of a JSON object that lists every participant, file, timing and failure."""
    manifest_key: str
    participant_session_count: int
    file_count: int
    failure_count: int
    failures: Annotated[tuple[FailureReason, ...], Field(max_length=MAX_FAILURES_TOLD)]
    """The first of them."""


Event = Annotated[
    CallRecordingStarted
    | CallRecordingStopped
    | CallRecordingReady
    | CallRecordingFailed
    | CallRecordingCompleted,
    Field(discriminator="type"),
]
"""Events of recordings; `contract.events.Event` is any event."""


def event_id(event_type: str, *subject: str | int | None) -> str:
    """The id of the event of this type about this subject (UUIDv5)."""
    return str(uuid5(NAMESPACE, json.dumps([event_type, *subject])))


def recording_started(call_cid: str, egress_id: str, created_at: datetime) -> CallRecordingStarted:
    """The event that an agent records a call."""
    return CallRecordingStarted(
        created_at=created_at,
        call_cid=call_cid,
        egress_id=egress_id,
        event_id=event_id("call.recording_started", egress_id),
    )


def recording_stopped(call_cid: str, egress_id: str, created_at: datetime) -> CallRecordingStopped:
    """The event that a call is recorded no more."""
    return CallRecordingStopped(
        created_at=created_at,
        call_cid=call_cid,
        egress_id=egress_id,
        event_id=event_id("call.recording_stopped", egress_id),
    )


def call_recording(file: RecordingFile, *, url: str, sidecar_url: str) -> CallRecording:
    """A finished file as events and lists show it, with links that open it and its sidecar."""
    shared = file.model_dump(include=set(CallRecording.model_fields))
    return CallRecording(
        **shared,
        session_id=file.call_session_id,
        state=FileState.READY if file.complete else FileState.PARTIAL,
        url=url,
        sidecar_url=sidecar_url,
    )


def recording_ready(
    file: RecordingFile, *, url: str, sidecar_url: str, created_at: datetime
) -> CallRecordingReady:
    """The event of a finished file, with links that open it and its sidecar."""
    return CallRecordingReady(
        created_at=created_at,
        call_cid=file.call.cid,
        egress_id=file.egress_id,
        event_id=event_id("call.recording_ready", file.egress_id, file.key, file.revision),
        call_recording=call_recording(file, url=url, sidecar_url=sidecar_url),
    )


def recording_failed(failure: RecordingFailure, created_at: datetime) -> CallRecordingFailed:
    """The event of files that could not be made, with the reason."""
    reason = failure.reason
    return CallRecordingFailed(
        created_at=created_at,
        call_cid=failure.call.cid,
        egress_id=failure.egress_id,
        event_id=event_id(
            "call.recording_failed",
            failure.egress_id,
            reason.user_session_id,
            reason.source,
            failure.revision,
        ),
        error=reason,
    )


def recording_completed(
    call_cid: str,
    egress_id: str,
    *,
    revision: int,
    manifest_key: str,
    manifest_url: str,
    participant_session_count: int,
    file_count: int,
    failures: Sequence[FailureReason],
    created_at: datetime,
) -> CallRecordingCompleted:
    """The event that a recording is complete, with a link that opens its manifest."""
    return CallRecordingCompleted(
        created_at=created_at,
        call_cid=call_cid,
        egress_id=egress_id,
        event_id=event_id("call.recording_completed", egress_id, revision),
        revision=revision,
        manifest_key=manifest_key,
        manifest_url=manifest_url,
        participant_session_count=participant_session_count,
        file_count=file_count,
        failure_count=len(failures),
        failures=tuple(failures[:MAX_FAILURES_TOLD]),
    )
