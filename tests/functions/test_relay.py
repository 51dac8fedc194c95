from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext
from getstream.models import CallRecordingStartedEvent
from getstream.webhook import parse_sqs

from functions.relay import handler
from isotrack.contract.events import in_nanoseconds
from isotrack.recording.messages import unpack
from tests.functions.conftest import Account


def test_an_event_reaches_the_queue_as_client_libraries_take_it(
    aws: Account,
    environment: Callable[..., None],
    sample: Callable[[str], dict[str, Any]],
    context: LambdaContext,
) -> None:
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="subscriber")["QueueUrl"]
    environment(subscriber_queue_url=url)
    event = sample("webhook")
    assert handler(event, context) == {"batchItemFailures": []}
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert unpack(message["Body"]) == in_nanoseconds(event["Records"][0]["body"])
    parsed = parse_sqs(message["Body"])
    assert isinstance(parsed, CallRecordingStartedEvent)
    assert parsed.egress_id == sample("call.recording_started")["egress_id"]


def test_what_is_no_event_comes_again_until_it_is_a_dead_letter(
    aws: Account,
    environment: Callable[..., None],
    sample: Callable[[str], dict[str, Any]],
    context: LambdaContext,
) -> None:
    environment(subscriber_queue_url="http://queue")
    event = sample("webhook")
    event["Records"][0]["body"] = json.dumps({"type": "call.unheard_of"})
    failed = {"itemIdentifier": event["Records"][0]["messageId"]}
    assert handler(event, context) == {"batchItemFailures": [failed]}
