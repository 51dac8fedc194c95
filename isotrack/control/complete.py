"""Complete a recording: once all its files are made, or will not come, list them and say so.

A recording is complete when it has stopped (so that all its agents have said which participant
sessions they sealed) and every job of those sessions has come to its end. This is looked at after
both, at the end of each execution of the state machine and with each report of the stop; whichever
comes last finds everything done, and of two at once one takes it on. The manifest is written, then
the event is published, then it is noted that it was: a crash between is healed by the execution's
retry, or by the agent, whose report was not answered and comes again. Then the manifest has the
same bytes and the event the same id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from isotrack.calls.egresses import Egress
from isotrack.contract.recordings import URL_LIFETIME
from isotrack.control.archive import Archive
from isotrack.control.outcomes import outcomes
from isotrack.pipeline.plan import read_manifest
from isotrack.pipeline.ports import ObjectStore
from isotrack.recording import keys
from isotrack.recording.errors import CorruptInput
from isotrack.recording.events import recording_completed
from isotrack.recording.files import RecordingFile
from isotrack.recording.layout import laid_out
from isotrack.recording.outcomes import FailureReason, OutcomeRecord, RecordingFailure
from isotrack.recording.recording_manifest import (
    RecordedFile,
    RecordedParticipant,
    RecordingManifest,
)
from isotrack.recording.tracks import Call


def complete(call: Call, egress_id: str, *, archive: Archive, holder: str) -> bool:
    """Write the manifest of a recording and publish that it is complete, if it just became so.

    Args:
        call: which call.
        egress_id: which of its recordings.
        archive: what is kept of it.
        holder: who looks: the same one comes again when this fails.

    Returns:
        Whether it was published; not when it is not complete, or another has taken that on.

    Raises:
        Transient: a table, a store or the bus is busy.
        DestinationError: the store of recordings refused.
    """
    egress = archive.calls.stopped(call, egress_id)
    if egress is None:
        return False
    revision = revision_of(egress)
    if archive.progress.unfinished(call, egress_id, egress.sealed):
        return False
    if not archive.progress.claim(call, egress_id, revision, holder):
        return False
    _publish(_describe(call, egress, archive), archive)
    archive.progress.complete(call, egress_id, revision)
    return True


def revision_of(egress: Egress) -> int:
    """How often the files of a recording were made."""
    return max(egress.sealed.values(), default=1)


def _publish(manifest: RecordingManifest, archive: Archive) -> None:
    key = keys.recording_manifest(manifest.call, manifest.egress_id)
    body = f"{laid_out(manifest.model_dump(mode='json'))}\n".encode()
    archive.files.put(key, body, content_type="application/json")
    participants = manifest.participants
    failures = [reason for participant in participants for reason in participant.failures]
    event = recording_completed(
        manifest.call.cid,
        manifest.egress_id,
        revision=manifest.revision,
        manifest_key=key,
        manifest_url=archive.files.url(key, expires_seconds=int(URL_LIFETIME.total_seconds())),
        participant_session_count=len(participants),
        file_count=sum(len(participant.files) for participant in participants),
        failures=[*manifest.failures, *failures],
        created_at=manifest.completed_at,
    )
    archive.bus.publish([event])


def _describe(call: Call, egress: Egress, archive: Archive) -> RecordingManifest:
    found = list(outcomes(call, recordings=archive.recordings, egress_id=egress.egress_id))
    files = [record.outcome for record in found if isinstance(record.outcome, RecordingFile)]
    failures = list(_failures(found, egress))
    sessions = {
        *egress.sealed,
        *(file.user_session_id for file in files),
        *(reason.user_session_id for reason in failures if reason.user_session_id is not None),
    }
    return RecordingManifest(
        call=call,
        call_session_id=egress.call_session_id,
        egress_id=egress.egress_id,
        revision=revision_of(egress),
        started_at=egress.started_at,
        ended_at=egress.ended_at,
        completed_at=max(
            [egress.ended_at or egress.started_at, *(record.created_at for record in found)]
        ),
        output_types=egress.output_types,
        storage=egress.storage,
        participants=tuple(
            _participant(
                keys.manifest(keys.session_prefix(call, egress.egress_id, session)),
                [file for file in files if file.user_session_id == session],
                [reason for reason in failures if reason.user_session_id == session],
                egress.sealed.get(session, 1),
                archive.raw,
            )
            for session in sorted(sessions)
        ),
        failures=tuple(reason for reason in failures if reason.user_session_id is None),
    )


def _failures(found: Sequence[OutcomeRecord], egress: Egress) -> Iterator[FailureReason]:
    """Those of the newest attempt: what failed before and was made since is no failure."""
    for record in found:
        outcome = record.outcome
        if not isinstance(outcome, RecordingFailure):
            continue
        if outcome.revision == egress.sealed.get(outcome.reason.user_session_id or "", 1):
            yield outcome.reason


def _participant(
    manifest_key: str,
    files: Sequence[RecordingFile],
    failures: Sequence[FailureReason],
    revision: int,
    raw: ObjectStore,
) -> RecordedParticipant:
    named = [*(file.user_id for file in files), *(reason.user_id for reason in failures)]
    user_id = next((name for name in named if name is not None), None)
    if user_id is None:
        with suppress(CorruptInput):  # then nobody knows
            user_id = read_manifest(manifest_key, raw).participant.user_id
    return RecordedParticipant(
        user_session_id=keys.session_ids(manifest_key).user_session_id,
        user_id=user_id,
        revision=revision,
        files=tuple(RecordedFile(**dict(file)) for file in files),
        failures=tuple(failures),
    )
