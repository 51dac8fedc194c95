"""Queues: one for each agent to be poked through, and the waits of messages not delivered."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from isotrack.adapters.aws_errors import aws_errors
from isotrack.recording.errors import Invalid

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

logger = logging.getLogger(__name__)

MAX_QUEUE_NAME = 80
MAX_VISIBILITY_SECONDS = 12 * 3600 - 300
"""SQS hides a message for 12 h in all since it was received: the time spent on it counts."""
_ATTRIBUTES: Final[Mapping[QueueAttributeNameType, str]] = {
    "MessageRetentionPeriod": "60",  # a poke is a hint: agents report every few seconds anyway
    "ReceiveMessageWaitTimeSeconds": "20",
}


class SqsAgentQueues:
    """AgentQueues named `{prefix}{agent_id}`."""

    def __init__(self, prefix: str, client: SQSClient) -> None:
        self._prefix = prefix
        self._client = client

    def create(self, agent_id: str) -> str:
        """The url of the agent's queue, made if need be.

        Raises Invalid when the id cannot stand in the name of a queue.
        """
        name = self._prefix + agent_id
        if not re.fullmatch(r"[A-Za-z0-9_-]+", agent_id) or len(name) > MAX_QUEUE_NAME:
            raise Invalid(
                f"agent_id: {agent_id!r} must be letters, digits, - and _, "
                f"at most {MAX_QUEUE_NAME - len(self._prefix)}"
            )
        with aws_errors(f"create queue {name}"):
            return self._client.create_queue(QueueName=name, Attributes=_ATTRIBUTES)["QueueUrl"]

    def poke(self, queue_url: str) -> None:
        """Put a message in; when that fails, the agent learns of it with its next report."""
        try:
            self._client.send_message(QueueUrl=queue_url, MessageBody="report")
        except (ClientError, BotoCoreError) as error:
            logger.warning("cannot poke %s: %s", queue_url, error)


def postpone(client: SQSClient, queue_url: str, receipt_handle: str, seconds: int) -> None:
    """Hide a received message for that long, at most almost 12 h, before it comes again."""
    with aws_errors(f"postpone a message of {queue_url}"):
        client.change_message_visibility(
            QueueUrl=queue_url,
            ReceiptHandle=receipt_handle,
            VisibilityTimeout=min(seconds, MAX_VISIBILITY_SECONDS),
        )


def send(client: SQSClient, queue_url: str, body: str) -> None:
    """Put a message into a queue. Raises Transient when SQS is busy."""
    with aws_errors(f"send a message to {queue_url}"):
        client.send_message(QueueUrl=queue_url, MessageBody=body)
