from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest

from isotrack.adapters.push_queue import (
    CONNECTIONS,
    IDS_AT_ONCE,
    RETRY_SECONDS,
    SqsPushQueue,
    connection_ids,
)
from isotrack.recording.errors import Transient
from tests.aws import account

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

EVENT = '{"type": "call.updated"}'


@pytest.fixture
def client() -> Iterator[SQSClient]:
    with account():
        yield boto3.client("sqs")


@pytest.fixture
def url(client: SQSClient) -> str:
    return client.create_queue(QueueName="push")["QueueUrl"]


def received(client: SQSClient, url: str) -> list[MessageTypeDef]:
    return client.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        MessageAttributeNames=["All"],
        WaitTimeSeconds=RETRY_SECONDS + 1,
    ).get("Messages", [])


def named(message: MessageTypeDef) -> frozenset[str]:
    ids = connection_ids(message["MessageAttributes"][CONNECTIONS]["StringValue"])
    assert ids is not None
    return ids


def test_an_event_comes_again_as_it_was_and_says_to_whom(client: SQSClient, url: str) -> None:
    SqsPushQueue(url, client).put(EVENT, ["L0SM9cOFvHcCIhw=", "vJjXQEmY9KhTrpw="])
    [message] = received(client, url)
    assert message["Body"] == EVENT
    assert named(message) == {"L0SM9cOFvHcCIhw=", "vJjXQEmY9KhTrpw="}


def test_an_event_does_not_come_again_at_once(client: SQSClient, url: str) -> None:
    SqsPushQueue(url, client).put(EVENT, ["L0SM9cOFvHcCIhw="])
    assert "Messages" not in client.receive_message(QueueUrl=url)


def test_more_connections_than_one_message_can_name_are_in_several(
    client: SQSClient, url: str
) -> None:
    ids = [f"{number:015}=" for number in range(IDS_AT_ONCE + 1)]
    SqsPushQueue(url, client).put(EVENT, ids)
    one, other = received(client, url)
    assert named(one) | named(other) == set(ids)
    assert not named(one) & named(other)


def test_an_event_without_names_is_for_all() -> None:
    assert connection_ids(None) is None


def test_a_queue_that_cannot_be_reached_is_transient() -> None:
    client = boto3.client(
        "sqs", endpoint_url="http://127.0.0.1:9", region_name="us-east-1",
        aws_access_key_id="test", aws_secret_access_key="test",
    )  # fmt: skip
    with pytest.raises(Transient):
        SqsPushQueue("http://127.0.0.1:9/push", client).put(EVENT, ["L0SM9cOFvHcCIhw="])
