from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest

from isotrack.adapters.sqs import SqsAgentQueues, postpone, send
from isotrack.recording.errors import Invalid
from tests.aws import account

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@pytest.fixture
def client() -> Iterator[SQSClient]:
    with account():
        yield boto3.client("sqs")


def test_the_queue_of_an_agent_is_made_once(client: SQSClient) -> None:
    queues = SqsAgentQueues("isotrack-agent-", client)
    url = queues.create("sfu-1")
    assert url.endswith("/isotrack-agent-sfu-1")
    assert queues.create("sfu-1") == url
    assert client.list_queues()["QueueUrls"] == [url]


def test_a_poke_is_a_message_in_the_queue_of_the_agent(client: SQSClient) -> None:
    queues = SqsAgentQueues("isotrack-agent-", client)
    url = queues.create("sfu-1")
    queues.poke(url)
    assert len(client.receive_message(QueueUrl=url)["Messages"]) == 1


def test_a_poke_of_a_queue_that_is_gone_is_logged_and_forgotten(
    client: SQSClient, caplog: pytest.LogCaptureFixture
) -> None:
    url = "https://sqs.us-east-1.amazonaws.com/123456789012/gone"
    with caplog.at_level(logging.WARNING):
        SqsAgentQueues("p-", client).poke(url)
    assert f"cannot poke {url}" in caplog.text


@pytest.mark.parametrize("agent_id", ["", "a b", "a/b", "a.fifo", "ü", "x" * 70])
def test_an_agent_whose_id_cannot_name_a_queue_is_refused(client: SQSClient, agent_id: str) -> None:
    with pytest.raises(Invalid, match=r"agent_id: .*at most 65"):
        SqsAgentQueues("isotrack-agent-", client).create(agent_id)
    assert "QueueUrls" not in client.list_queues()


def test_a_postponed_message_is_hidden(client: SQSClient) -> None:
    url = client.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
    client.send_message(QueueUrl=url, MessageBody="event")
    (message,) = client.receive_message(QueueUrl=url)["Messages"]
    postpone(client, url, message["ReceiptHandle"], 100_000)  # longer than SQS can
    assert "Messages" not in client.receive_message(QueueUrl=url)
    assert hidden(client, url) == "1"


def hidden(client: SQSClient, url: str) -> str:
    attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return attributes["ApproximateNumberOfMessagesNotVisible"]


def test_what_is_sent_is_a_message_in_the_queue(client: SQSClient) -> None:
    url = client.create_queue(QueueName="subscriber")["QueueUrl"]
    send(client, url, "an event")
    (message,) = client.receive_message(QueueUrl=url)["Messages"]
    assert message["Body"] == "an event"
