"""Deliver one event to one webhook, signed so that the receiver knows who sent it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import BaseModel

from isotrack.pipeline.ports import Endpoint
from isotrack.recording import signatures
from isotrack.recording.validation import stored


class ApiKey(NamedTuple):
    """What identifies this installation to its webhooks, and what it signs with."""

    api_key: str
    api_secret: str


class _Delivered(BaseModel):
    event_id: str


def deliver(body: str, *, attempt: int, key: ApiKey, endpoint: Endpoint, now: datetime) -> str:
    """Post an event's JSON as it is; gives the event's id.

    Args:
        body: the event; what is signed is exactly what is sent.
        attempt: from 1.
        key: the sender.
        endpoint: the receiver.
        now: when, for the signature.

    Raises:
        CorruptInput: the body is no event.
        DestinationError: the endpoint did not take it.
    """
    event_id = stored(_Delivered, body, "event to deliver").event_id
    content = body.encode()
    headers = {
        "Content-Type": "application/json",
        "X-API-KEY": key.api_key,
        "X-WEBHOOK-ID": event_id,
        "X-WEBHOOK-ATTEMPT": str(attempt),
        "X-SIGNATURE": signatures.body_signature(content, key.api_secret),
        **signatures.standard_webhooks(event_id, content, key.api_secret, now),
    }
    endpoint.post(content, headers)
    return event_id


def retry_seconds(attempt: int, schedule: Sequence[int]) -> int:
    """How long to wait after a failed attempt; the last wait of the schedule repeats."""
    return schedule[min(attempt, len(schedule)) - 1]
