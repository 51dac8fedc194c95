"""Items that are changed by who has read them: of two that read the same version one may write."""

from __future__ import annotations

from typing import TypeVar

from isotrack.adapters.dynamodb import DynamoItems
from isotrack.adapters.dynamodb_bodies import body
from isotrack.adapters.dynamodb_keys import Key
from isotrack.calls.call_types import CallType
from isotrack.calls.records import CallRecord
from isotrack.calls.users import User
from isotrack.control.ports import StaleRecord

V = TypeVar("V", CallRecord, CallType, User)


def put_version(items: DynamoItems, key: Key, value: V, name: str) -> V:
    """Write a value over the version it was read as, and give it with its new version.

    Version 0 was never written: it may only make the item. Raises StaleRecord when the version in
    the table is another one.
    """
    after = value.model_copy(update={"version": value.version + 1})
    fields = {"version": after.version, **body(after)}
    if value.version == 0:
        written = items.put_if(*key, fields, "attribute_not_exists(pk)")
    else:
        written = items.put_if(*key, fields, "version = :read", read=value.version)
    if not written:
        raise StaleRecord(f"{name}: version {value.version} is stale")
    return after
