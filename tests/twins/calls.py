"""Calls and call types, in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from isotrack.calls.call_types import CallType
from isotrack.calls.egresses import Egress
from isotrack.calls.records import CallRecord
from isotrack.recording.tracks import Call
from tests.twins.versions import put_version


class MemoryCallTable:
    def __init__(self) -> None:
        self.records: dict[Call, CallRecord] = {}
        self.egresses: dict[tuple[Call, str], Egress] = {}

    def get(self, call: Call) -> CallRecord | None:
        return self.records.get(call)

    def get_many(self, calls: Collection[Call]) -> Mapping[Call, CallRecord]:
        return {call: self.records[call] for call in calls if call in self.records}

    def save(self, record: CallRecord) -> CallRecord:
        return put_version(self.records, record.call, record)

    def keep_stopped(self, call: Call, egress: Egress) -> None:
        self.egresses[call, egress.egress_id] = egress

    def stopped(self, call: Call, egress_id: str) -> Egress | None:
        return self.egresses.get((call, egress_id))


class MemoryCallTypeTable:
    def __init__(self) -> None:
        self.call_types: dict[str, CallType] = {}

    def get(self, name: str) -> CallType | None:
        return self.call_types.get(name)

    def all(self) -> Sequence[CallType]:
        return [self.call_types[name] for name in sorted(self.call_types)]

    def save(self, call_type: CallType) -> CallType:
        return put_version(self.call_types, call_type.name, call_type)

    def delete(self, name: str) -> bool:
        return self.call_types.pop(name, None) is not None
