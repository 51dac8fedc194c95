"""Call types in the table: one partition has them all."""

from __future__ import annotations

from collections.abc import Sequence

from isotrack.adapters.dynamodb import DynamoItems
from isotrack.adapters.dynamodb_bodies import value_of
from isotrack.adapters.dynamodb_keys import Key, Range, beginning, join
from isotrack.adapters.dynamodb_versions import put_version
from isotrack.calls.call_types import CallType
from isotrack.recording.errors import Invalid

MAX_CALL_TYPES = 200
"""Of an installation, so that reading all is one bounded thing."""

_PARTITION = "calltypes"
_ALL = Range(_PARTITION, beginning("calltype"))


class DynamoCallTypeTable:
    """A CallTypeTable."""

    def __init__(self, items: DynamoItems) -> None:
        self._items = items

    def get(self, name: str) -> CallType | None:
        """A call type as written; None when it never was."""
        fields = self._items.get(*_key(name))
        return None if fields is None else value_of(CallType, fields, f"of call type {name!r}")

    def all(self) -> Sequence[CallType]:
        """All that were written, by name."""
        found = self._items.query(_ALL, limit=MAX_CALL_TYPES)
        return [value_of(CallType, item.fields, item.key.sk) for item in found.items]

    def save(self, call_type: CallType) -> CallType:
        """Write a call type over the version it was read as.

        Raises:
            StaleRecord: somebody else has written it.
            Invalid: there are too many already.
        """
        if call_type.version == 0 and len(self.all()) >= MAX_CALL_TYPES:
            raise Invalid(f"there are {MAX_CALL_TYPES} call types already: delete one")
        return put_version(
            self._items, _key(call_type.name), call_type, f"call type {call_type.name!r}"
        )

    def delete(self, name: str) -> bool:
        """Remove a call type; False when there was none."""
        return self._items.delete(*_key(name))


def _key(name: str) -> Key:
    return Key(_PARTITION, join("calltype", name))
