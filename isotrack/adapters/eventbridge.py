"""Events on an EventBridge bus."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from isotrack.adapters.aws_errors import aws_errors
from isotrack.recording.errors import Transient
from isotrack.recording.events import CallEvent

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

SOURCE = "isotrack"
MAX_ENTRIES = 10  # of one PutEvents
MAX_BYTES = 256 * 1024
"""Of all entries of one PutEvents, each counted as `_size` does (EventBridge user guide)."""


class EventBridgeBus:
    """An EventBus: the detail of an entry is the event, its detail type the event's type."""

    def __init__(self, bus: str, client: EventBridgeClient) -> None:
        self._bus = bus
        self._client = client

    def publish(self, events: Sequence[CallEvent]) -> None:
        """Put events on the bus, many at a time. Raises Transient when it refuses one."""
        for batch in _batches([self._entry(event) for event in events]):
            with aws_errors(f"put {len(batch)} events on bus {self._bus}"):
                answer = self._client.put_events(Entries=batch)
            for entry, result in zip(batch, answer["Entries"], strict=False):
                if code := result.get("ErrorCode"):
                    event_id = json.loads(entry["Detail"])["event_id"]
                    raise Transient(
                        f"event {entry['DetailType']} {event_id} was refused by bus {self._bus}: "
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


def _batches(
    entries: Sequence[PutEventsRequestEntryTypeDef],
) -> Iterator[list[PutEventsRequestEntryTypeDef]]:
    batch: list[PutEventsRequestEntryTypeDef] = []
    size = 0
    for entry in entries:
        if batch and (len(batch) == MAX_ENTRIES or size + _size(entry) > MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += _size(entry)
    if batch:
        yield batch


def _size(entry: PutEventsRequestEntryTypeDef) -> int:
    """Bytes: 14 for the time, then all that is text."""
    return 14 + sum(len(entry[part].encode()) for part in ("Source", "DetailType", "Detail"))
