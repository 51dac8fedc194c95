"""Tell the world what came of a job: one event for each file, or one for a failure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Annotated, NamedTuple

from pydantic import Field, StringConstraints

from isotrack.pipeline.plan import read_manifest
from isotrack.pipeline.ports import EventBus, ObjectStore, OutcomeTable, Progress
from isotrack.recording import events, keys
from isotrack.recording.errors import CorruptInput
from isotrack.recording.events import Event
from isotrack.recording.jobs import Remuxed
from isotrack.recording.outcomes import FailureReason, OutcomeRecord, RecordingFailure
from isotrack.recording.tracks import Frozen, Source

URL_SECONDS = 7 * 24 * 3600
"""The longest a signature of S3 lives; the file itself stays."""
MAX_MESSAGE = 1000

_RETRYABLE = frozenset({"Transient", "States.Timeout", "Sandbox.Timedout"})


class CaughtError(Frozen):
    """An error as `Catch` of the state machine gives it (Amazon States Language)."""

    error: Annotated[str, Field(alias="Error")]
    cause: Annotated[str, Field(alias="Cause")] = ""
    """Of a Lambda function: JSON with `errorMessage`, `errorType` and `stackTrace`."""


class CaughtFailure(Frozen):
    """A step that failed for good, and what it was about."""

    manifest_key: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    revision: Annotated[int, Field(ge=1)] = 1
    source: Source | None = None
    error: CaughtError


class World(NamedTuple):
    """What announcing needs of the world."""

    outcomes: OutcomeTable
    progress: Progress
    bus: EventBus
    recordings: ObjectStore


def announce_files(remuxed: Remuxed, *, world: World, now: datetime) -> tuple[str, ...]:
    """Publish `call.recording_ready` for each file not told before; gives the event ids."""
    kept = [world.outcomes.keep(file, now) for file in remuxed.files]
    told = _announce(kept, world)
    job = remuxed.job
    _end(job.manifest_key, job.revision, job.source, world)
    return told


def announce_failure(
    failure: CaughtFailure, *, raw: ObjectStore, world: World, now: datetime
) -> tuple[str, ...]:
    """Publish `call.recording_failed` with the reason, unless told before; gives the event ids."""
    outcome = describe_failure(failure, raw)
    told = _announce([world.outcomes.keep(outcome, now)], world)
    _end(failure.manifest_key, failure.revision, failure.source, world)
    return told


def describe_failure(failure: CaughtFailure, raw: ObjectStore) -> RecordingFailure:
    """Whose files will not come, and why; the manifest says whose, or its key when it is broken.

    Raises:
        Invalid: the key is not that of a manifest.
    """
    ids = keys.session_ids(failure.manifest_key)
    user_id: str | None = None
    with suppress(CorruptInput):  # most likely what failed: told with what the key says
        user_id = read_manifest(failure.manifest_key, raw).participant.user_id
    code, message = _reason(failure.error)
    return RecordingFailure(
        call=ids.call,
        egress_id=ids.egress_id,
        revision=failure.revision,
        reason=FailureReason(
            code=code,
            message=message,
            user_id=user_id,
            user_session_id=ids.user_session_id,
            source=failure.source,
            retryable=code in _RETRYABLE or code.startswith("Lambda."),
        ),
    )


def _reason(error: CaughtError) -> tuple[str, str]:
    try:
        cause = json.loads(error.cause)
    except ValueError:
        cause = None
    message = cause.get("errorMessage") if isinstance(cause, dict) else None
    told = message if isinstance(message, str) and message else error.cause
    return error.error, (told or error.error)[:MAX_MESSAGE]


def _announce(records: Sequence[OutcomeRecord], world: World) -> tuple[str, ...]:
    untold = [record for record in records if not record.announced]
    told = [_event(record, world.recordings) for record in untold]
    if told:
        world.bus.publish(told)
    # Marked after: a crash between publishes the same event id again, never none.
    for record in untold:
        world.outcomes.mark_announced(record.outcome)
    return tuple(event.event_id for event in told)


def _end(manifest_key: str, revision: int, source: Source | None, world: World) -> None:
    """Note the end of a job, last: who finds that all have ended finds all outcomes."""
    ids = keys.session_ids(manifest_key)
    world.progress.done(ids.call, ids.egress_id, ids.user_session_id, revision, source)


def _event(record: OutcomeRecord, recordings: ObjectStore) -> Event:
    outcome = record.outcome
    if isinstance(outcome, RecordingFailure):
        return events.recording_failed(outcome, record.created_at)
    return events.recording_ready(
        outcome,
        url=recordings.url(outcome.key, expires_seconds=URL_SECONDS),
        sidecar_url=recordings.url(outcome.sidecar_key, expires_seconds=URL_SECONDS),
        created_at=record.created_at,
    )
