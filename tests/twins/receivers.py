"""Those who are told: the bus, the state machine, an endpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from isotrack.contract.events import Event
from isotrack.recording.errors import DestinationError, Transient


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
