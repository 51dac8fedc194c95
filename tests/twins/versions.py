"""Values under versions, in memory."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TypeVar

from isotrack.calls.call_types import CallType
from isotrack.calls.records import CallRecord
from isotrack.calls.users import User
from isotrack.control.ports import StaleRecord

K = TypeVar("K")
V = TypeVar("V", CallRecord, CallType, User)


def put_version(values: MutableMapping[K, V], key: K, value: V) -> V:
    kept = values.get(key)
    if (kept.version if kept is not None else 0) != value.version:
        raise StaleRecord
    after = value.model_copy(update={"version": value.version + 1})
    values[key] = after
    return after
