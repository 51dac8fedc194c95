"""What came of recordings as the verbs of the control plane see it: tables, stores, the bus."""

from __future__ import annotations

from typing import NamedTuple

from isotrack.control.ports import CallTable, EventBus, ProgressTable, RecordingTable
from isotrack.pipeline.ports import ObjectStore, OutcomeTable


class Archive(NamedTuple):
    """One of each; wired once for each function, and in memory for tests."""

    calls: CallTable
    outcomes: OutcomeTable
    recordings: RecordingTable
    progress: ProgressTable
    raw: ObjectStore
    """What was captured."""
    files: ObjectStore
    """What was made of it."""
    bus: EventBus
