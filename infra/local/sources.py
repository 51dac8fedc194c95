"""SQS event source mappings: what reads a queue on behalf of a function.

Reference: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS". Messages come in batches; a
batch that the function takes is deleted, but for the messages it reports as failed; those, and
all messages of a batch that fails, stay hidden until the queue's visibility timeout is over, and
the queue moves them to its dead letters after `maxReceiveCount`.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.runtime_api import Outcome

log = logging.getLogger(__name__)

POLLERS = 4  # readers of one queue, each with at most one batch at the function
WAIT_SECONDS = 2  # of a long poll; also how long a disabled mapping may go on
RECEIVE_LIMIT = 10  # of one ReceiveMessage
REPORT_FAILURES = "ReportBatchItemFailures"


@dataclass(frozen=True)
class QueueMapping:
    """A queue, and the function that gets its messages.

    Attributes:
        enabled: asked before each poll, as a mapping may be changed or deleted.
        invoke: gives the function an event and waits for it.
    """

    queue_arn: str
    batch_size: int
    reports_failures: bool
    concurrency: int
    enabled: Callable[[], bool]
    invoke: Callable[[bytes], Outcome]


class Sources:
    """Pollers of all mappings."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client
        self._stopping = threading.Event()

    def start(self, mapping: QueueMapping) -> None:
        """Begin to read a queue."""
        for _ in range(min(POLLERS, mapping.concurrency)):
            threading.Thread(
                target=self._poll,
                args=(mapping,),
                daemon=True,
                name=f"poll-{mapping.queue_arn.rsplit(':', 1)[1]}",
            ).start()

    def stop(self) -> None:
        """Read no more."""
        self._stopping.set()

    def _poll(self, mapping: QueueMapping) -> None:
        sqs = self._client("sqs")
        url = sqs.get_queue_url(QueueName=mapping.queue_arn.rsplit(":", 1)[1])["QueueUrl"]
        while not self._stopping.is_set():
            if not mapping.enabled():
                self._stopping.wait(WAIT_SECONDS)
                continue
            try:
                _deliver(sqs, url, mapping)
            except (BotoCoreError, ClientError) as error:
                if not self._stopping.is_set():
                    log.warning("cannot read %s: %s", mapping.queue_arn, error)
                    self._stopping.wait(WAIT_SECONDS)


def _deliver(sqs: Any, queue_url: str, mapping: QueueMapping) -> None:
    """Receive one batch, if there is one, and let the function have it."""
    messages = sqs.receive_message(
        QueueUrl=queue_url,
        MaxNumberOfMessages=min(mapping.batch_size, RECEIVE_LIMIT),
        WaitTimeSeconds=WAIT_SECONDS,
        AttributeNames=["All"],
        MessageAttributeNames=["All"],
    ).get("Messages", [])
    if not messages:
        return
    records = [_record(message, mapping) for message in messages]
    outcome = mapping.invoke(json.dumps({"Records": records}).encode())
    failed = failed_messages(outcome, [each["messageId"] for each in records], mapping)
    done = [
        {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
        for index, message in enumerate(messages)
        if message["MessageId"] not in failed
    ]
    if done:
        sqs.delete_message_batch(QueueUrl=queue_url, Entries=done)


def failed_messages(
    outcome: Outcome, message_ids: Sequence[str], mapping: QueueMapping
) -> set[str]:
    """The messages of a batch that stay in the queue.

    All of them when the function failed, and when its report of failures makes no sense.
    """
    if outcome.failed:
        return set(message_ids)
    result = json.loads(outcome.payload or b"null")
    if not mapping.reports_failures or not isinstance(result, dict):
        return set()
    reported = result.get("batchItemFailures") or []
    failed = {each.get("itemIdentifier") for each in reported}
    return failed if failed <= set(message_ids) else set(message_ids)


def _record(message: Mapping[str, Any], mapping: QueueMapping) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {
            name: _attribute(value) for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": mapping.queue_arn,
        "awsRegion": mapping.queue_arn.split(":")[3],
    }


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    """A message attribute in the spelling of Lambda's events."""
    attribute = {"dataType": value["DataType"], "stringListValues": [], "binaryListValues": []}
    if "StringValue" in value:
        attribute["stringValue"] = value["StringValue"]
    return attribute
