"""Delete a recording file, with its sidecar and all that was made of it before.

The objects go first and the mark that hides them comes last: a request that fails half-way leaves
a file in the list that can be deleted again, never an object that nobody knows of.
"""

from __future__ import annotations

from datetime import datetime

from isotrack.calls.grants import Permission
from isotrack.calls.permissions import Caller
from isotrack.contract.recordings import DeleteRecordingResponse
from isotrack.control.archive import Archive
from isotrack.control.authorize import authorize
from isotrack.control.world import World
from isotrack.recording.errors import Missing
from isotrack.recording.files import RecordingFile
from isotrack.recording.tracks import Call


def delete_recording(
    call: Call,
    call_session_id: str,
    filename: str,
    *,
    caller: Caller,
    world: World,
    archive: Archive,
    now: datetime,
) -> DeleteRecordingResponse:
    """Remove all revisions of a file; what was captured of it stays.

    Raises:
        Missing: nobody created the call, or there is no such file, or it was deleted before.
        Forbidden: the caller may not delete its recordings.
    """
    authorize(caller, call, Permission.DELETE_RECORDING, world=world)
    named = archive.recordings.named(call, call_session_id, filename)
    files = [record.outcome for record in named if isinstance(record.outcome, RecordingFile)]
    if not files:
        raise Missing("recording doesn't exist")
    for file in files:
        archive.files.delete(file.key)
        archive.files.delete(file.sidecar_key)
    for file in files:
        archive.recordings.mark_deleted(file, now)
    return DeleteRecordingResponse()
