from __future__ import annotations

import json
from collections.abc import Iterator

import boto3
import pytest
from botocore.stub import ANY, Stubber

from isotrack.adapters.eventbridge import EventBridgeBus
from isotrack.recording import events
from isotrack.recording.errors import Transient
from tests.aws import BUS, account, subscribe
from tests.builders import CALL, NOON


@pytest.fixture
def subscriber() -> Iterator[str]:
    with account():
        yield subscribe(BUS)


def started(count: int) -> list[events.CallRecordingStarted]:
    return [events.recording_started(CALL.cid, f"egress-{n}", NOON) for n in range(count)]


def test_an_event_is_an_entry_whose_detail_is_the_event(subscriber: str) -> None:
    (event,) = started(1)
    EventBridgeBus(BUS, boto3.client("events")).publish([event])
    (message,) = boto3.client("sqs").receive_message(QueueUrl=subscriber)["Messages"]
    entry = json.loads(message["Body"])
    assert entry["source"] == "isotrack"
    assert entry["detail-type"] == "call.recording_started"
    assert entry["detail"] == json.loads(event.model_dump_json())


def test_more_events_than_one_request_takes_are_all_published(subscriber: str) -> None:
    EventBridgeBus(BUS, boto3.client("events")).publish(started(23))
    sqs, received = boto3.client("sqs"), set()
    while messages := sqs.receive_message(QueueUrl=subscriber, MaxNumberOfMessages=10).get(
        "Messages", []
    ):
        received |= {json.loads(m["Body"])["detail"]["egress_id"] for m in messages}
    assert received == {f"egress-{n}" for n in range(23)}


def test_large_events_are_put_in_as_many_requests_as_they_take() -> None:
    with account():
        client = boto3.client("events")
    large = [event.model_copy(update={"egress_id": "x" * 100_000}) for event in started(5)]
    with Stubber(client) as stub:
        for count in (2, 2, 1):
            results = {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}] * count}
            expected = {"Entries": [ANY] * count}
            stub.add_response("put_events", results, expected)
        EventBridgeBus(BUS, client).publish(large)
        stub.assert_no_pending_responses()


def test_an_entry_that_the_bus_refuses_is_transient_and_named() -> None:
    with account():
        client = boto3.client("events")
    with Stubber(client) as stub:
        results = [{"EventId": "1"}, {"ErrorCode": "InternalFailure", "ErrorMessage": "later"}]
        stub.add_response(
            "put_events", {"FailedEntryCount": 1, "Entries": results}, {"Entries": ANY}
        )
        first, second = started(2)
        with pytest.raises(Transient, match=f"{second.event_id} .*InternalFailure: later"):
            EventBridgeBus(BUS, client).publish([first, second])
