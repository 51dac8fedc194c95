"""The queue of events to be pushed: each as it came from the bus, or for some connections alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from isotrack.adapters.aws_errors import aws_errors

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

CONNECTIONS: Final = "connection_ids"
"""The message attribute that names the connections, with spaces between; others have none."""
RETRY_SECONDS = 5
IDS_AT_ONCE = 5000
"""Connections of one message: 85 kB of ids, so that an event of 128 KiB fits in besides."""


class SqsPushQueue:
    """A PushQueue."""

    def __init__(self, queue_url: str, client: SQSClient) -> None:
        self._queue_url = queue_url
        self._client = client

    def put(self, event: str, connection_ids: Sequence[str]) -> None:
        """Push an event again after some seconds, to these connections. Raises Transient."""
        for first in range(0, len(connection_ids), IDS_AT_ONCE):
            named = " ".join(connection_ids[first : first + IDS_AT_ONCE])
            with aws_errors(f"put an event in queue {self._queue_url}"):
                self._client.send_message(
                    QueueUrl=self._queue_url,
                    MessageBody=event,
                    DelaySeconds=RETRY_SECONDS,
                    MessageAttributes={CONNECTIONS: {"DataType": "String", "StringValue": named}},
                )


def connection_ids(attribute: str | None) -> frozenset[str] | None:
    """The connections that a message's attribute names; None where the event is for all."""
    return None if attribute is None else frozenset(attribute.split())
