"""Make the files of a recording anew of what was captured: as their next revision.

Executions are started first, under names that follow from manifest and revision, and that the
recording has a new revision is written last. So a request that fails half-way can be sent again:
it finds the executions it had started, and starts the others.
"""

from __future__ import annotations

from datetime import datetime

from isotrack.calls.egresses import Egress
from isotrack.calls.permissions import Caller, require_server
from isotrack.contract.recordings import ReprocessRecordingResponse
from isotrack.control.archive import Archive
from isotrack.control.complete import complete, revision_of
from isotrack.pipeline.begin import begin
from isotrack.pipeline.ports import Executions
from isotrack.recording import keys
from isotrack.recording.errors import Conflict, Missing
from isotrack.recording.tracks import Call


def reprocess(
    call: Call,
    egress_id: str,
    *,
    caller: Caller,
    archive: Archive,
    executions: Executions,
    now: datetime,
) -> ReprocessRecordingResponse:
    """Start the state machine for each manifest of a recording, with the next revision.

    Also participant sessions are among them that no agent told of before it was lost.

    Raises:
        Forbidden: the caller is no server.
        Missing: there is no such recording, or nothing that was captured of it is kept any more.
        Conflict: the recording has not stopped yet.
        Transient: a table or a store is busy, or Step Functions; the same request goes on.
    """
    require_server(caller, "ReprocessRecording")
    egress = _stopped(call, egress_id, archive)
    manifests = _manifests(call, egress_id, archive)
    revision = revision_of(egress) + 1
    for manifest_key in manifests.values():
        begin(manifest_key, revision, executions=executions)
    sealed = {**egress.sealed, **dict.fromkeys(manifests, revision)}
    archive.calls.keep_stopped(call, egress.model_copy(update={"sealed": sealed}))
    # All may have ended before it was written.
    complete(call, egress_id, archive=archive, holder="reprocess")
    return ReprocessRecordingResponse(
        egress_id=egress_id,
        user_session_ids=tuple(manifests),
        started_at=now,
        revision=revision,
    )


def _stopped(call: Call, egress_id: str, archive: Archive) -> Egress:
    egress = archive.calls.stopped(call, egress_id)
    if egress is not None:
        return egress
    record = archive.calls.get(call)
    if record is not None and any(live.egress_id == egress_id for live in record.egresses):
        raise Conflict(f"recording {egress_id} of call {call.cid} has not stopped yet")
    raise Missing(f"there is no recording {egress_id} of call {call.cid}")


def _manifests(call: Call, egress_id: str, archive: Archive) -> dict[str, str]:
    """The manifests of a recording's participant sessions, by `user_session_id` in order."""
    ending = f"/{keys.MANIFEST_NAME}"
    listed = archive.raw.keys(keys.egress_prefix(call, egress_id))
    found = [key for key in listed if key.endswith(ending)]
    if not found:
        raise Missing(f"nothing that was captured of recording {egress_id} is kept any more")
    return dict(sorted((keys.session_ids(key).user_session_id, key) for key in found))
