"""A recording through its end and beyond: its manifest, and its files made again of the chunks."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from infra.local.demo.rehearsal import Outcome, Rehearsal
from isotrack.adapters.tokens import server_token
from isotrack.recording.events import (
    CallRecording,
    CallRecordingCompleted,
    CallRecordingReady,
    RecordingEvent,
)
from isotrack.recording.recording_manifest import RecordedFile, RecordingManifest
from tests.e2e.calls import AGAIN

pytestmark = pytest.mark.e2e

PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def outcome(rehearsal: Rehearsal, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return rehearsal.play(AGAIN, output=tmp_path_factory.mktemp("again"))


def told(rehearsal: Rehearsal, egress_id: str) -> list[RecordingEvent]:
    """What the webhook was told of a recording."""
    return [
        receipt.event
        for receipt in rehearsal.inbox.of_recording(egress_id)
        if receipt.via == "webhook" and isinstance(receipt.event, RecordingEvent)
    ]


def completed(rehearsal: Rehearsal, egress_id: str, revision: int) -> CallRecordingCompleted:
    """The event that a revision is complete, once it is there."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for event in told(rehearsal, egress_id):
            if isinstance(event, CallRecordingCompleted) and event.revision == revision:
                return event
        rehearsal.inbox.wait(0.5)
    pytest.fail(f"revision {revision} was not complete within {PATIENCE_SECONDS:.0f} s")


def manifest(event: CallRecordingCompleted) -> RecordingManifest:
    return RecordingManifest.model_validate_json(httpx.get(event.manifest_url).content)


def ask(rehearsal: Rehearsal, method: str, path: str) -> dict[str, Any]:
    """Ask the API as a server."""
    credentials = rehearsal.stack.credentials
    answer = httpx.request(
        method,
        f"{rehearsal.stack.api_url}/video/call/default/again/{path}",
        params={"api_key": credentials.api_key},
        headers={
            "Authorization": server_token(credentials.api_secret),
            "stream-auth-type": "jwt",
        },
        timeout=30,
    )
    assert answer.is_success, answer.text
    body: dict[str, Any] = answer.json()
    return body


def vouched(file: CallRecording | RecordedFile) -> tuple[object, ...]:
    return file.filename, file.key, file.sha256, file.size_bytes, file.timeline_offset_ms


def test_the_manifest_of_a_recording_lists_the_files_that_were_announced(
    outcome: Outcome, rehearsal: Rehearsal
) -> None:
    event = completed(rehearsal, outcome.egress_id, 1)
    assert (event.file_count, event.failure_count, event.participant_session_count) == (1, 0, 1)
    listed = manifest(event)
    (participant,) = listed.participants
    assert (participant.user_id, participant.user_session_id) == ("eve", "eve-again")
    assert [vouched(file) for file in participant.files] == [
        vouched(file.announced) for file in outcome.files
    ]
    assert listed.ended_at is not None
    assert listed.started_at < listed.ended_at <= listed.completed_at


def test_files_made_again_are_announced_and_listed_instead_of_the_ones_before(
    outcome: Outcome, rehearsal: Rehearsal
) -> None:
    (before,) = (file.announced for file in outcome.files)
    answer = ask(rehearsal, "POST", f"recordings/individual/{outcome.egress_id}/reprocess")
    assert (answer["revision"], answer["user_session_ids"]) == (2, ["eve-again"])

    listed = manifest(completed(rehearsal, outcome.egress_id, 2))

    (again,) = (
        event.call_recording
        for event in told(rehearsal, outcome.egress_id)
        if isinstance(event, CallRecordingReady) and event.call_recording.revision == 2
    )
    assert [vouched(file) for file in listed.participants[0].files] == [vouched(again)]
    assert (again.filename, again.duration_ms, again.timeline_offset_ms) == (
        before.filename,
        before.duration_ms,
        before.timeline_offset_ms,
    )
    assert len(httpx.get(again.url).content) == again.size_bytes
    assert len(httpx.get(before.url).content) == before.size_bytes  # its links go on opening it
    (shown,) = ask(rehearsal, "GET", "recordings")["recordings"]
    assert (shown["key"], shown["revision"]) == (again.key, 2)


def test_a_deleted_file_is_gone_in_all_its_revisions(
    outcome: Outcome, rehearsal: Rehearsal
) -> None:
    (file,) = (file.announced for file in outcome.files)
    ask(rehearsal, "DELETE", f"{file.session_id}/recordings/{file.filename}")
    assert ask(rehearsal, "GET", "recordings")["recordings"] == []
    assert httpx.get(file.url).status_code == 404
