"""WebSocket connections, in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from isotrack.calls.connections import Connection
from isotrack.control.ports import Gone
from isotrack.recording.tracks import Call
from tests.builders import NOON


def _noon() -> datetime:
    return NOON


class MemoryConnectionTable:
    def __init__(self, now: Callable[[], datetime] = _noon) -> None:
        self.connections: dict[str, Connection] = {}
        self.watched: dict[Call, dict[str, Connection]] = {}
        self._now = now

    def open(self, connection: Connection) -> None:
        self.connections[connection.connection_id] = connection

    def get(self, connection_id: str) -> Connection | None:
        kept = self.connections.get(connection_id)
        return kept if kept is not None and self._alive(kept) else None

    def close(self, connection_id: str) -> None:
        self.connections.pop(connection_id, None)
        for watchers in self.watched.values():
            watchers.pop(connection_id, None)

    def watch(self, connection: Connection, calls: Collection[Call]) -> None:
        for call in calls:
            self.watched.setdefault(call, {})[connection.connection_id] = connection

    def watchers(self, call: Call) -> Sequence[Connection]:
        watchers = self.watched.get(call, {})
        return [watchers[key] for key in sorted(watchers) if self._alive(watchers[key])]

    def of_user(self, user_id: str) -> Sequence[Connection]:
        kept = (self.connections[key] for key in sorted(self.connections))
        return [each for each in kept if each.user_id == user_id and self._alive(each)]

    def _alive(self, connection: Connection) -> bool:
        return connection.expires_at > self._now()


class MemoryConnections:
    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        """Connection id and message, in order."""
        self.closed: set[str] = set()

    def send(self, connection_id: str, message: str) -> None:
        if connection_id in self.closed:
            raise Gone
        self.sent.append((connection_id, message))

    def close(self, connection_id: str) -> None:
        self.closed.add(connection_id)

    def messages(self, connection_id: str) -> list[str]:
        """What was sent to one connection."""
        return [message for receiver, message in self.sent if receiver == connection_id]
