"""Recordings of a call: started, stopped, listed, deleted, and made again."""

from __future__ import annotations

from functions import wiring
from functions.asking import Asked
from functions.operations import VIDEO_PREFIXES, Asking, Operations
from functions.routes.paths import (
    CallPath,
    EgressPath,
    FilePath,
    RecordingTypePath,
    SessionPath,
)
from isotrack.contract.recordings import (
    DeleteRecordingResponse,
    ListRecordingsQuery,
    ListRecordingsResponse,
    ReprocessRecordingResponse,
    StartRecordingRequest,
    StartRecordingResponse,
    StopRecordingRequest,
    StopRecordingResponse,
)
from isotrack.control import delete_recording as deleting
from isotrack.control import list_recordings as listing
from isotrack.control import reprocess as reprocessing
from isotrack.control.start import start
from isotrack.control.stop import stop

recordings = Operations(*VIDEO_PREFIXES)


@recordings.post("StartRecording", "/call/{type}/{id}/recordings/{recording_type}/start")
def start_recording(
    asked: Asked, path: RecordingTypePath, body: StartRecordingRequest
) -> StartRecordingResponse:
    """Start the individual recording of a call."""
    return start(path.call, body, caller=asked.caller, world=asked.world, now=asked.now)


@recordings.post("StopRecording", "/call/{type}/{id}/recordings/{recording_type}/stop")
def stop_recording(
    asked: Asked,
    path: RecordingTypePath,
    body: StopRecordingRequest,  # noqa: ARG001 - it says nothing, but it has to be JSON
) -> StopRecordingResponse:
    """Stop the individual recording of a call."""
    return stop(path.call, caller=asked.caller, world=asked.world, now=asked.now)


@recordings.get("ListRecordings", "/call/{type}/{id}/recordings")
def list_recordings(
    asked: Asked, path: CallPath, query: ListRecordingsQuery
) -> ListRecordingsResponse:
    """List the recording files of a call, with links signed just now."""
    return listing.list_recordings(
        path.call, query, caller=asked.caller, world=asked.world, archive=wiring.archive()
    )


@recordings.get("ListSessionRecordings", "/call/{type}/{id}/{session}/recordings")
def list_session_recordings(
    asked: Asked, path: SessionPath, query: ListRecordingsQuery
) -> ListRecordingsResponse:
    """List the recording files of one session of a call."""
    return listing.list_recordings(
        path.call,
        query,
        caller=asked.caller,
        call_session_id=path.session,
        world=asked.world,
        archive=wiring.archive(),
    )


@recordings.delete("DeleteRecording", "/call/{type}/{id}/{session}/recordings/{filename}")
def delete_recording(asked: Asked, path: FilePath) -> DeleteRecordingResponse:
    """Delete a recording file."""
    return deleting.delete_recording(
        path.call,
        path.session,
        path.filename,
        caller=asked.caller,
        world=asked.world,
        archive=wiring.archive(),
        now=asked.now,
    )


@recordings.post(
    "ReprocessRecording",
    "/call/{type}/{id}/recordings/individual/{egress_id}/reprocess",
    asking=Asking.SERVERS,
)
def reprocess_recording(asked: Asked, path: EgressPath) -> ReprocessRecordingResponse:
    """Make the files of a recording again, of what was captured."""
    return reprocessing.reprocess(
        path.call,
        path.egress_id,
        caller=asked.caller,
        archive=wiring.archive(),
        executions=wiring.executions(),
        now=asked.now,
    )
