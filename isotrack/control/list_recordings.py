"""List the recording files of a call, whether it goes on or ended long ago."""

from __future__ import annotations

from itertools import islice

from isotrack.calls.grants import Permission
from isotrack.calls.permissions import Caller
from isotrack.contract.recordings import (
    URL_LIFETIME,
    ListRecordingsQuery,
    ListRecordingsResponse,
)
from isotrack.control.archive import Archive
from isotrack.control.authorize import authorize
from isotrack.control.outcomes import outcomes
from isotrack.control.world import World
from isotrack.pipeline.ports import ObjectStore
from isotrack.recording.events import CallRecording, call_recording
from isotrack.recording.files import RecordingFile
from isotrack.recording.tracks import Call

_URL_SECONDS = int(URL_LIFETIME.total_seconds())


def list_recordings(
    call: Call,
    query: ListRecordingsQuery,
    *,
    caller: Caller,
    call_session_id: str | None = None,
    world: World,
    archive: Archive,
) -> ListRecordingsResponse:
    """The newest revision of each file, by recording and file name, with links signed just now.

    Args:
        call: which call.
        query: which of its files.
        caller: who asks.
        call_session_id: those of one session of the call only.
        world: says what the caller may do.
        archive: where the files are.

    Raises:
        Missing: nobody created the call.
        Forbidden: the caller may not list its recordings.
        Invalid: `next` is not what a page of this list gave.
    """
    authorize(caller, call, Permission.LIST_RECORDINGS, world=world)
    recordings = archive.recordings
    found = outcomes(call, recordings=recordings, egress_id=query.egress_id, after=query.next)
    wanted = (
        record.outcome
        for record in found
        if isinstance(record.outcome, RecordingFile)
        and _matches(record.outcome, query, call_session_id)
    )
    files = list(islice(wanted, query.limit))
    more = query.limit is not None and next(wanted, None) is not None
    return ListRecordingsResponse(
        recordings=tuple(show(file, archive.files) for file in files),
        next=recordings.position(files[-1], egress_id=query.egress_id) if more else None,
    )


def show(file: RecordingFile, store: ObjectStore) -> CallRecording:
    """A file with links that open it and its sidecar for `URL_LIFETIME` from now."""
    return call_recording(
        file,
        url=store.url(file.key, expires_seconds=_URL_SECONDS),
        sidecar_url=store.url(file.sidecar_key, expires_seconds=_URL_SECONDS),
    )


def _matches(file: RecordingFile, query: ListRecordingsQuery, call_session_id: str | None) -> bool:
    wanted = (
        (query.user_id, file.user_id),
        (query.user_session_id, file.user_session_id),
        (query.output_type, file.output_type),
        (call_session_id, file.call_session_id),
    )
    return all(asked is None or asked == actual for asked, actual in wanted)
