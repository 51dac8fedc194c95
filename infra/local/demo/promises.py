"""The events that a recording must bring: of its start, its stop, each file, and that it is all."""

from __future__ import annotations

from collections.abc import Sequence

from infra.local.demo.receivers import Receipt
from infra.local.demo.scenario import Scenario
from isotrack.recording.events import CallRecordingReady
from isotrack.recording.outputs import OutputType

_ONCE = ("started", "stopped", "completed")

Promise = tuple[str, str, OutputType | None]
"""An event to come: its type and, of a file, whose and which."""


def promises(scenario: Scenario) -> frozenset[Promise]:
    """The events that a scenario must bring, each exactly once."""
    ready = {
        ("call.recording_ready", session, output)
        for session, outputs in scenario.expected_outputs().items()
        for output in outputs
    }
    return frozenset({*((f"call.recording_{what}", "", None) for what in _ONCE), *ready})


def kept(receipt: Receipt) -> Promise:
    """The promise that an event keeps."""
    event = receipt.event
    if isinstance(event, CallRecordingReady):
        file = event.call_recording
        return event.type, file.user_session_id, OutputType(file.output_type)
    return event.type, "", None


def not_kept(promised: frozenset[Promise], receipts: Sequence[Receipt]) -> list[str]:
    """What is not among the receipts of a recording, by each of the two ways, in words."""
    missing = []
    for via in ("webhook", "sqs"):
        came = {kept(receipt) for receipt in receipts if receipt.via == via}
        for promise in sorted(promised - came, key=str):
            missing.append(f"{' '.join(map(str, filter(None, promise)))} by {via}")
    return missing
