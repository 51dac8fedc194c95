"""The events of a recording, `call.recording_{started,stopped,ready,failed}`.

The first five fields of each and of `CallRecordingReady.call_recording` the first six are those
that clients of the compatible API know; what follows them is added. An event's id is made of what
it is about, so that an event sent twice is one event.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID, uuid5

from pydantic import AwareDatetime, Field, PlainSerializer, WithJsonSchema

from isotrack.recording.files import RecordingFile, Resolution
from isotrack.recording.outcomes import FailureReason, RecordingFailure
from isotrack.recording.tracks import Frozen

RECORDING_TYPE = "individual"
NAMESPACE = UUID("7e0f2b0c-6a52-5d0e-9a43-1f5d3c1f8f27")
"""Of every event id (RFC 9562 section 5.5); never to be changed."""


def rfc3339(moment: datetime) -> str:
    """A moment in UTC with microseconds and `Z` (RFC 3339 section 5.6)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


Timestamp = Annotated[
    AwareDatetime,
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


class CallEvent(Frozen):
    """What every event says."""

    type: str
    created_at: Timestamp
    call_cid: str
    egress_id: str
    recording_type: Literal["individual"] = "individual"
    event_id: str


class CallRecordingStarted(CallEvent):
    """An agent records the call."""

    type: Literal["call.recording_started"] = "call.recording_started"


class CallRecordingStopped(CallEvent):
    """No agent records the call any more; files may still be made."""

    type: Literal["call.recording_stopped"] = "call.recording_stopped"


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
    output_type: str
    codecs: tuple[str, ...]
    resolutions: tuple[Resolution, ...]
    duration_ms: int
    size_bytes: int
    sha256: str
    timeline_offset_ms: int
    storage: str
    key: str
    sidecar_url: str
    fallback: bool
    complete: bool
    revision: int


class CallRecordingReady(CallEvent):
    """A file can be fetched; there is one such event for each file."""

    type: Literal["call.recording_ready"] = "call.recording_ready"
    call_recording: CallRecording


class CallRecordingFailed(CallEvent):
    """Files that were asked for will not come."""

    type: Literal["call.recording_failed"] = "call.recording_failed"
    error: FailureReason


Event = Annotated[
    CallRecordingStarted | CallRecordingStopped | CallRecordingReady | CallRecordingFailed,
    Field(discriminator="type"),
]


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


def recording_ready(
    file: RecordingFile, *, url: str, sidecar_url: str, created_at: datetime
) -> CallRecordingReady:
    """The event of a finished file, with links that open it and its sidecar."""
    shared = file.model_dump(include=set(CallRecording.model_fields))
    return CallRecordingReady(
        created_at=created_at,
        call_cid=file.call.cid,
        egress_id=file.egress_id,
        event_id=event_id("call.recording_ready", file.egress_id, file.key, file.revision),
        call_recording=CallRecording(
            **shared, session_id=file.call_session_id, url=url, sidecar_url=sidecar_url
        ),
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
