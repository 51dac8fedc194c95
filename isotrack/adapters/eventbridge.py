"""Events on an EventBridge bus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from isotrack.adapters.aws_errors import aws_errors
from isotrack.recording.errors import Transient
from isotrack.recording.events import CallEvent

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

SOURCE = "isotrack"
MAX_ENTRIES = 10  # of one PutEvents


class EventBridgeBus:
    """An EventBus: the detail of an entry is the event, its detail type the event's type."""

    def __init__(self, bus: str, client: EventBridgeClient) -> None:
        self._bus = bus
        self._client = client

    def publish(self, events: Sequence[CallEvent]) -> None:
        """Put events on the bus, ten at a time. Raises Transient when the bus refuses one."""
        for first in range(0, len(events), MAX_ENTRIES):
            entries = [self._entry(event) for event in events[first : first + MAX_ENTRIES]]
            with aws_errors(f"put {len(entries)} events on bus {self._bus}"):
                answer = self._client.put_events(Entries=entries)
            for event, result in zip(events[first:], answer["Entries"], strict=False):
                if code := result.get("ErrorCode"):
                    raise Transient(
                        f"event {event.type} {event.event_id} was refused by bus {self._bus}: "
                        f"{code}: {result.get('ErrorMessage', '')}"
                    )

    def _entry(self, event: CallEvent) -> PutEventsRequestEntryTypeDef:
        return {
            "EventBusName": self._bus,
            "Source": SOURCE,
            "DetailType": event.type,
            "Detail": event.model_dump_json(),
            "Time": event.created_at,
        }
