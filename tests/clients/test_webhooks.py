"""The webhook and SQS helpers of the published libraries, on what the stack has really sent."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

import pytest
from getstream import Stream
from getstream.models import (
    CallRecordingReadyEvent,
    CallRecordingStartedEvent,
    CallRecordingStoppedEvent,
    CallSessionParticipantJoinedEvent,
    CallSessionStartedEvent,
)
from getstream.webhook import InvalidWebhookError, UnknownEvent

from tests.clients.conftest import Played
from tests.clients.installed import run_node
from tests.clients.mailbox import Delivery
from tests.clients.people import FILES
from tests.clients.venue import Venue

pytestmark = pytest.mark.e2e

OURS = {"call.recording_completed"}
"""Events that the libraries do not know."""


class Sent(NamedTuple):
    """What subscribers were sent of one call."""

    deliveries: list[Delivery]
    messages: list[str]
    cid: str


@pytest.fixture(scope="module")
def sent(played: Played, venue: Venue) -> Sent:
    cid = played.story.cid
    venue.mailbox.wait_for(cid, "call.recording_completed")
    deliveries = [each for each in venue.mailbox.deliveries if each.event["call_cid"] == cid]
    return Sent(deliveries, venue.messages(), cid)


@pytest.fixture(scope="module")
def server(venue: Venue) -> Iterator[Stream]:
    with Stream(api_key=venue.api_key, api_secret=venue.api_secret, base_url=venue.url) as client:
        yield client


def test_python_verifies_and_parses_every_delivery(sent: Sent, server: Stream) -> None:
    for delivery in sent.deliveries:
        event = server.verify_and_parse_webhook(delivery.body, delivery.headers["x-signature"])
        assert event.type == delivery.event["type"]
        assert isinstance(event, UnknownEvent) == (event.type in OURS), event.type


def test_python_reads_who_what_and_when_in_a_delivery(sent: Sent, server: Stream) -> None:
    parsed = [
        server.verify_and_parse_webhook(d.body, d.headers["x-signature"]) for d in sent.deliveries
    ]
    kinds = Counter(type(event) for event in parsed)
    assert kinds[CallRecordingStartedEvent] == kinds[CallRecordingStoppedEvent] == 1
    assert kinds[CallRecordingReadyEvent] == len(FILES)
    assert kinds[CallSessionStartedEvent] == 1
    assert kinds[CallSessionParticipantJoinedEvent] == 2
    for event in parsed:
        if isinstance(event, UnknownEvent):
            assert event.raw["call_cid"] == sent.cid
            continue
        assert event.call_cid == sent.cid
        assert isinstance(event.created_at, datetime)
        if isinstance(event, CallRecordingReadyEvent):
            assert event.recording_type == "individual"
            assert event.call_recording.start_time < event.call_recording.end_time
            assert event.call_recording.url.startswith("http")
        if isinstance(event, CallSessionStartedEvent):
            assert event.call.cid == sent.cid


def test_python_refuses_a_delivery_that_was_tampered_with(sent: Sent, server: Stream) -> None:
    body, headers = sent.deliveries[0]
    with pytest.raises(InvalidWebhookError, match="signature mismatch"):
        server.verify_and_parse_webhook(body + b" ", headers["x-signature"])
    assert not server.verify_signature(body, "0" * 64)


def test_node_verifies_and_parses_every_delivery(sent: Sent, venue: Venue) -> None:
    made = _node(sent, venue)
    assert made["verified"] == [True] * len(sent.deliveries)
    assert [each["event"] for each in made["delivered"]] == [d.event for d in sent.deliveries]


def test_node_refuses_a_delivery_that_was_tampered_with(sent: Sent, venue: Venue) -> None:
    body, headers = sent.deliveries[0]
    made = _node(sent._replace(deliveries=[Delivery(body + b" ", headers)], messages=[]), venue)
    assert made["verified"] == [False]
    assert made["delivered"] == [{"refused": "InvalidWebhookError: signature mismatch"}]


def test_python_parses_every_sqs_message(sent: Sent, server: Stream) -> None:
    parsed = [server.parse_sqs(message) for message in sent.messages]
    assert _types(each.type for each in parsed) >= _types(d.event["type"] for d in sent.deliveries)


def test_node_parses_every_sqs_message_into_what_webhooks_were_sent(
    sent: Sent, venue: Venue
) -> None:
    queued = [each["event"] for each in _node(sent, venue)["queued"]]
    by_id = {event["event_id"]: event for event in queued}
    for delivery in sent.deliveries:
        assert by_id[delivery.event["event_id"]] == delivery.event


def _node(sent: Sent, venue: Venue) -> dict[str, Any]:
    said = {
        "deliveries": [
            {"body": body.decode(), "signature": headers["x-signature"]}
            for body, headers in sent.deliveries
        ],
        "messages": sent.messages,
    }
    printed = run_node("webhooks.mjs", venue.environment(), said=json.dumps(said), patience_s=30)
    made: dict[str, Any] = json.loads(printed)
    return made


def _types(types: Iterable[str]) -> Counter[str]:
    return Counter(types)
