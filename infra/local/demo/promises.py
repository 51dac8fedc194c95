"""The events that a call must bring: one for its start, one for its stop, one for each file."""

from __future__ import annotations

from collections.abc import Sequence

from infra.local.demo.receivers import Receipt
from infra.local.demo.scenario import Scenario
from isotrack.recording.events import CallRecordingReady
from isotrack.recording.outputs import OutputType

Promise = tuple[str, str, OutputType | None]
"""An event to come: its type and, of a file, whose and which."""


def promises(scenario: Scenario) -> frozenset[Promise]:
    """The events that a scenario must bring, each exactly once."""
    ready = {
        ("call.recording_ready", session, output)
        for session, outputs in scenario.expected_outputs().items()
        for output in outputs
    }
    return frozenset(
        {("call.recording_started", "", None), ("call.recording_stopped", "", None), *ready}
    )


def kept(receipt: Receipt) -> Promise:
    """The promise that an event keeps."""
    event = receipt.event
    if isinstance(event, CallRecordingReady):
        file = event.call_recording
        return event.type, file.user_session_id, OutputType(file.output_type)
    return event.type, "", None


def not_kept(
    promised: frozenset[Promise], receipts: Sequence[Receipt], egress_id: str
) -> list[str]:
    """What did not come, by each of the two ways, in words."""
    missing = []
    for via in ("webhook", "sqs"):
        came = {
            kept(receipt)
            for receipt in receipts
            if receipt.via == via and receipt.event.egress_id == egress_id
        }
        for promise in sorted(promised - came, key=str):
            missing.append(f"{' '.join(map(str, filter(None, promise)))} by {via}")
    return missing
