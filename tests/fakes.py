"""Twins of the ports' adapters that live in memory; the contract tests run against both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from isotrack.pipeline.ports import StaleRecord
from isotrack.recording.calls import CallRecord, Egress
from isotrack.recording.errors import DestinationError, Transient
from isotrack.recording.events import Event
from isotrack.recording.files import RecordingFile
from isotrack.recording.outcomes import OutcomeRecord, RecordingFailure
from isotrack.recording.settings import CallSettings
from isotrack.recording.tracks import Call


class MemoryCallTable:
    def __init__(self) -> None:
        self.records: dict[Call, CallRecord] = {}
        self.egresses: dict[tuple[Call, str], Egress] = {}
        self.settings: dict[str, CallSettings] = {}

    def get(self, call: Call) -> CallRecord | None:
        return self.records.get(call)

    def save(self, record: CallRecord) -> CallRecord:
        kept = self.records.get(record.call)
        if (kept.version if kept is not None else 0) != record.version:
            raise StaleRecord
        after = record.model_copy(update={"version": record.version + 1})
        self.records[record.call] = after
        return after

    def keep_stopped(self, call: Call, egress: Egress) -> None:
        self.egresses[call, egress.egress_id] = egress

    def stopped(self, call: Call, egress_id: str) -> Egress | None:
        return self.egresses.get((call, egress_id))

    def call_type_settings(self, call_type: str) -> CallSettings | None:
        return self.settings.get(call_type)


class MemoryAgentTable:
    def __init__(self) -> None:
        self.urls: dict[str, str] = {}

    def poke_queue_url(self, agent_id: str) -> str | None:
        return self.urls.get(agent_id)

    def keep_poke_queue_url(self, agent_id: str, url: str) -> None:
        self.urls[agent_id] = url


class MemoryAgentQueues:
    def __init__(self) -> None:
        self.created: list[str] = []
        self.poked: list[str] = []

    def create(self, agent_id: str) -> str:
        self.created.append(agent_id)
        return f"queue:{agent_id}"

    def poke(self, queue_url: str) -> None:
        self.poked.append(queue_url)


class MemoryOutcomeTable:
    def __init__(self) -> None:
        self.records: dict[tuple[object, ...], OutcomeRecord] = {}

    def keep(
        self, outcome: RecordingFile | RecordingFailure, created_at: datetime
    ) -> OutcomeRecord:
        fresh = OutcomeRecord(outcome=outcome, created_at=created_at)
        return self.records.setdefault(self._key(outcome), fresh)

    def mark_announced(self, outcome: RecordingFile | RecordingFailure) -> None:
        key = self._key(outcome)
        self.records[key] = self.records[key].model_copy(update={"announced": True})

    @staticmethod
    def _key(outcome: RecordingFile | RecordingFailure) -> tuple[object, ...]:
        if isinstance(outcome, RecordingFile):
            return (outcome.egress_id, outcome.key, outcome.revision)
        reason = outcome.reason
        return (outcome.egress_id, reason.user_session_id, reason.source, outcome.revision)


class MemoryBus:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self.refusals = 0
        """How many times to refuse before events are taken."""

    def publish(self, events: Sequence[Event]) -> None:
        if self.refusals:
            self.refusals -= 1
            raise Transient("the bus is busy")
        self.events.extend(events)

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]


class MemoryExecutions:
    def __init__(self) -> None:
        self.started: dict[str, str] = {}

    def start(self, name: str, execution_input: str) -> bool:
        if name in self.started:
            return False
        self.started[name] = execution_input
        return True


class FakeEndpoint:
    def __init__(self, *, refuses: bool = False) -> None:
        self.posts: list[tuple[bytes, Mapping[str, str]]] = []
        self._refuses = refuses

    def post(self, body: bytes, headers: Mapping[str, str]) -> None:
        self.posts.append((body, headers))
        if self._refuses:
            raise DestinationError("webhook answered 500")
