"""When the world does not play along: a webhook that fails, an agent that is killed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from infra.local.demo.rehearsal import Rehearsal
from tests.e2e.calls import INTERRUPTED, REFUSED
from tests.e2e.conftest import ATTEMPTS
from tests.e2e.content import audio_content, seconds_in, video_content

pytestmark = pytest.mark.e2e

DEAD_LETTER_SECONDS = 60.0
KILLED_MS, RESTARTED_MS = 4_400, 4_600
RECOVERY_MS = 3_000
"""From when the agent is up again to when it records again: the SFU announces all it hosts each
second, and the control plane answers the report that follows with what to record."""


def _dead_letters(rehearsal: Rehearsal, wanted: int) -> Iterator[dict[str, Any]]:
    """The events in the webhook's dead-letter queue, as many as wanted, within a minute."""
    url = rehearsal.stack.outputs["WebhookDeadLettersUrl"]
    deadline = time.monotonic() + DEAD_LETTER_SECONDS
    with closing(rehearsal.stack.client("sqs")) as sqs:
        while wanted and time.monotonic() < deadline:
            answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, MaxNumberOfMessages=10)
            for message in answer.get("Messages", []):
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                wanted -= 1
                yield json.loads(message["Body"])


def test_an_event_that_a_webhook_refuses_is_retried_and_kept_as_dead_letter(
    rehearsal: Rehearsal, tmp_path: Path
) -> None:
    outcome = rehearsal.play(REFUSED, output=tmp_path)
    dead = list(_dead_letters(rehearsal, wanted=1))
    attempts: dict[str, list[int]] = {}
    ids: dict[str, set[str]] = {}
    for receipt in rehearsal.inbox.of_recording(outcome.egress_id):
        if receipt.via == "webhook":
            attempts.setdefault(receipt.event.type, []).append(receipt.attempt)
            ids.setdefault(receipt.event.type, set()).add(receipt.webhook_id)
    assert attempts == {
        "call.recording_started": [1, 2],
        "call.recording_stopped": [1],
        "call.recording_ready": list(range(1, ATTEMPTS + 1)),
        "call.recording_completed": [1],
    }
    assert all(len(each) == 1 for each in ids.values())
    (ready,) = (
        r.event
        for r in outcome.receipts
        if r.via == "sqs" and r.event.type == "call.recording_ready"
    )
    assert [letter["event_id"] for letter in dead] == [ready.event_id]


def test_an_agent_that_is_killed_and_started_again_loses_nothing_that_it_had(
    rehearsal: Rehearsal, tmp_path: Path
) -> None:
    up_again_ns = []

    def restart() -> None:
        rehearsal.agent.restart()
        up_again_ns.append(time.time_ns())

    outcome = rehearsal.play(
        INTERRUPTED,
        output=tmp_path,
        interludes=[(KILLED_MS, rehearsal.agent.kill), (RESTARTED_MS, restart)],
    )
    recovered_ms = (up_again_ns[0] - outcome.zero_unix_ns) // 1_000_000 + RECOVERY_MS
    after = set(seconds_in([(recovered_ms, INTERRUPTED.stop_ms)]))
    assert after, "the agent took so long to start that nothing was left to record"
    (file,) = outcome.files
    start_ms = file.announced.start_time.timestamp() * 1e3 - outcome.zero_unix_ns / 1e6
    for onsets in (audio_content(file.path).beeps_ms, video_content(file.path).flashes_ms):
        seconds = {round((start_ms + at) / 1000) * 1000 for at in onsets}
        assert {1_000, 2_000, 3_000, 4_000} <= seconds
        assert after <= seconds
    assert video_content(file.path).corrupt == 0
