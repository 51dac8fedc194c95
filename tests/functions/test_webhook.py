from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.webhook import handler
from isotrack.contract.events import in_nanoseconds
from tests.functions.conftest import API_KEY, API_SECRET, Account
from tests.receiver import receiver

Sample = Callable[[str], dict[str, Any]]


class Queue:
    """The queue in front of the webhook, and the event source that reads it."""

    def __init__(self) -> None:
        self.sqs = boto3.client("sqs")
        self.url = self.sqs.create_queue(
            QueueName="webhook", Attributes={"VisibilityTimeout": "0"}
        )["QueueUrl"]

    def receive(self, event: dict[str, Any]) -> dict[str, Any]:
        """The sample's event as SQS hands it to the function."""
        body = event["Records"][0]["body"]
        self.sqs.send_message(QueueUrl=self.url, MessageBody=body)
        received = self.sqs.receive_message(
            QueueUrl=self.url, MessageSystemAttributeNames=["All"], VisibilityTimeout=0
        )
        (message,) = received["Messages"]
        record = event["Records"][0] | {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
        }
        return {"Records": [record]}

    @property
    def hidden(self) -> int:
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])
        return int(attributes["Attributes"]["ApproximateNumberOfMessagesNotVisible"])


@pytest.fixture
def queue(aws: Account, environment: Callable[..., None]) -> Queue:
    made = Queue()
    environment(
        webhook_url="",
        webhook_retry_seconds="5,30,300",
        api_secret_arn=aws.secret_arn,
        webhook_queue_url=made.url,
    )
    return made


def test_an_event_is_posted_signed_and_done(
    queue: Queue, environment: Callable[..., None], sample: Sample, context: LambdaContext
) -> None:
    event = queue.receive(sample("webhook"))
    with receiver(200) as endpoint:
        environment(webhook_url=endpoint.url)
        assert handler(event, context) == {"batchItemFailures": []}
        (post,) = endpoint.posts
    body = in_nanoseconds(event["Records"][0]["body"]).encode()
    assert post.body == body
    assert post.headers["X-SIGNATURE"] == (
        hmac.new(API_SECRET.encode(), body, hashlib.sha256).hexdigest()
    )
    assert post.headers["X-WEBHOOK-ID"] == sample("call.recording_started")["event_id"]
    assert post.headers["X-WEBHOOK-ATTEMPT"] == "2"
    assert post.headers["X-API-KEY"] == API_KEY
    assert post.headers["Content-Type"] == "application/json"
    assert post.headers["webhook-signature"].startswith("v1,")


@pytest.mark.parametrize("status", [302, 404, 500])
def test_an_event_that_is_refused_comes_again_after_the_wait_of_its_attempt(
    status: int,
    queue: Queue,
    environment: Callable[..., None],
    sample: Sample,
    context: LambdaContext,
) -> None:
    event = queue.receive(sample("webhook"))
    assert queue.hidden == 0
    with receiver(status) as endpoint:
        environment(webhook_url=endpoint.url)
        failed = {"itemIdentifier": event["Records"][0]["messageId"]}
        assert handler(event, context) == {"batchItemFailures": [failed]}
    assert queue.hidden == 1


def test_without_a_webhook_every_event_is_done(
    queue: Queue, sample: Sample, context: LambdaContext
) -> None:
    assert handler(sample("webhook"), context) == {"batchItemFailures": []}


def test_a_url_that_is_not_http_is_a_refusal_like_any_other(
    queue: Queue, environment: Callable[..., None], sample: Sample, context: LambdaContext
) -> None:
    environment(webhook_url="file:///etc/passwd")
    event = queue.receive(sample("webhook"))
    failed = {"itemIdentifier": event["Records"][0]["messageId"]}
    assert handler(event, context) == {"batchItemFailures": [failed]}
    assert queue.hidden == 1
