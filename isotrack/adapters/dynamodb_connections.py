"""WebSocket connections in the table, and which calls they watch.

A watcher lies under its call and is found by its connection through the index. Every item of a
connection goes by itself at its end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from isotrack.adapters.dynamodb import DynamoItems, Fields, Item
from isotrack.adapters.dynamodb_bodies import body, value_of
from isotrack.adapters.dynamodb_expiry import Clock, expires, wall_clock
from isotrack.adapters.dynamodb_keys import (
    Key,
    Range,
    beginning,
    call_partition,
    join,
    user_partition,
)
from isotrack.calls.connections import Connection
from isotrack.recording.tracks import Call

MAX_CLOSED_WATCHES = 1000
"""Watchers removed when a connection closes; those of a connection that has watched more calls
than that go when a message to it fails, or at its end."""

_PAGE = 1000
_CONNECTION = "connection"


class DynamoConnectionTable:
    """A ConnectionTable."""

    def __init__(self, items: DynamoItems, now: Clock = wall_clock) -> None:
        self._items = items
        self._now = now

    def open(self, connection: Connection) -> None:
        """Keep a connection, or what is new about it."""
        found_by = (
            {} if connection.user_id is None else {"found_by": user_partition(connection.user_id)}
        )
        self._items.put(*_key(connection.connection_id), {**_fields(connection), **found_by})

    def get(self, connection_id: str) -> Connection | None:
        """A connection; None when it is closed."""
        fields = self._items.get(*_key(connection_id))
        return None if fields is None else next(self._alive([fields]), None)

    def close(self, connection_id: str) -> None:
        """Forget a connection and what it watches."""
        connection = _key(connection_id)
        watched = Range(connection.pk, beginning("call"))
        found = self._items.query_index(watched, limit=MAX_CLOSED_WATCHES)
        self._items.write_many(deletes=[connection, *(item.key for item in found.items)])

    def watch(self, connection: Connection, calls: Collection[Call]) -> None:
        """Tell a connection the events of these calls from now on."""
        key = _key(connection.connection_id)
        fields = {**_fields(connection), "found_by": key.pk}
        watcher = join("watcher", connection.connection_id)
        self._items.write_many(
            puts=[Item(Key(call_partition(call), watcher), fields) for call in calls]
        )

    def watchers(self, call: Call) -> Sequence[Connection]:
        """The connections that watch a call."""
        span = Range(call_partition(call), beginning("watcher"))
        found = self._items.query(span, limit=_PAGE)
        watching = list(self._alive(item.fields for item in found.items))
        while found.next is not None:
            found = self._items.query(span, limit=_PAGE, after=found.next)
            watching.extend(self._alive(item.fields for item in found.items))
        return watching

    def of_user(self, user_id: str) -> Sequence[Connection]:
        """The connections of a user; one opened in the last moments may be missing."""
        span = Range(user_partition(user_id), beginning(_CONNECTION))
        found = self._items.query_index(span, limit=_PAGE)
        # The index has no values, and may not have heard of a close.
        open_now = self._items.get_many([item.key for item in found.items])
        return list(self._alive(open_now[key] for key in sorted(open_now)))

    def _alive(self, items: Iterable[Fields]) -> Iterator[Connection]:
        connections = (value_of(Connection, fields, "of a connection") for fields in items)
        return (each for each in connections if each.expires_at > self._now())


def _key(connection_id: str) -> Key:
    return Key(join(_CONNECTION, connection_id), "state")


def _fields(connection: Connection) -> dict[str, object]:
    return {**body(connection), **expires(connection.expires_at)}
