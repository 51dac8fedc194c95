"""Calls in the table: a record each, written under its version, and recordings that stopped."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from isotrack.adapters.dynamodb import DynamoItems
from isotrack.adapters.dynamodb_bodies import body, value_of
from isotrack.adapters.dynamodb_keys import Key, call_partition, join
from isotrack.adapters.dynamodb_versions import put_version
from isotrack.calls.egresses import Egress
from isotrack.calls.records import CallRecord
from isotrack.recording.tracks import Call

_RECORD = "state"


class DynamoCallTable:
    """A CallTable."""

    def __init__(self, items: DynamoItems) -> None:
        self._items = items

    def get(self, call: Call) -> CallRecord | None:
        """The record of a call; None when it was never heard of."""
        fields = self._items.get(call_partition(call), _RECORD)
        return None if fields is None else value_of(CallRecord, fields, f"of call {call.cid}")

    def get_many(self, calls: Collection[Call]) -> Mapping[Call, CallRecord]:
        """The records of some calls; those never heard of are left out."""
        wanted = {Key(call_partition(call), _RECORD): call for call in calls}
        return {
            wanted[key]: value_of(CallRecord, fields, f"of call {wanted[key].cid}")
            for key, fields in self._items.get_many(wanted).items()
        }

    def save(self, record: CallRecord) -> CallRecord:
        """Write a record over the version it was read as. Raises StaleRecord."""
        key = Key(call_partition(record.call), _RECORD)
        return put_version(self._items, key, record, f"call {record.call.cid}")

    def keep_stopped(self, call: Call, egress: Egress) -> None:
        """Keep a recording that has stopped for good."""
        self._items.put(call_partition(call), join("egress", egress.egress_id), body(egress))

    def stopped(self, call: Call, egress_id: str) -> Egress | None:
        """A recording kept by `keep_stopped`."""
        fields = self._items.get(call_partition(call), join("egress", egress_id))
        return None if fields is None else value_of(Egress, fields, f"of recording {egress_id}")
