"""The agent's SQS queue: any message in it means that the control plane has something to say."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_WAIT_SECONDS = 20  # the longest that SQS holds a request
_BATCH = 10
RETRY_SECONDS = 5.0

_log = logging.getLogger(__name__)


def _client() -> SQSClient:
    import boto3  # here, so that an agent without a queue starts without its weight

    return boto3.client("sqs")


class PokeListener:
    """Calls back, in the event loop, whenever a message comes.

    Long polling blocks a thread; it is a daemon, so that it keeps no agent from ending.
    """

    def __init__(
        self,
        poked: Callable[[], object],
        client: Callable[[], SQSClient] = _client,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._poked = poked
        self._client = client
        self._retry_seconds = retry_seconds
        self._url: str | None = None
        self._closed = threading.Event()

    def listen(self, queue_url: str) -> None:
        """Listen to this queue, instead of any other; must be called in the event loop."""
        if queue_url != self._url:
            self._url = queue_url
            loop = asyncio.get_running_loop()
            listening = (queue_url, loop)
            threading.Thread(target=self._run, args=listening, name="pokes", daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        self._closed.set()

    def _run(self, queue_url: str, loop: asyncio.AbstractEventLoop) -> None:
        client = None
        while self._url == queue_url and not self._closed.is_set():
            try:
                client = client or self._client()
                self._receive(client, queue_url, loop)
            except (BotoCoreError, ClientError) as error:
                _log.warning("cannot listen to %s: %s", queue_url, error)
                self._closed.wait(self._retry_seconds)

    def _receive(self, client: SQSClient, queue_url: str, loop: asyncio.AbstractEventLoop) -> None:
        answer = client.receive_message(
            QueueUrl=queue_url, WaitTimeSeconds=_WAIT_SECONDS, MaxNumberOfMessages=_BATCH
        )
        messages = answer.get("Messages", [])
        if not messages or self._closed.is_set():
            return
        loop.call_soon_threadsafe(self._poked)
        client.delete_message_batch(
            QueueUrl=queue_url,
            Entries=[
                {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
                for index, message in enumerate(messages)
            ],
        )
