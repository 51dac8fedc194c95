from __future__ import annotations

import asyncio
import queue
import threading
from typing import Any

from botocore.exceptions import EndpointConnectionError

from capture_agent.pokes import PokeListener


class FakeSqs:
    """A queue in memory."""

    def __init__(self) -> None:
        self.messages: queue.Queue[Any] = queue.Queue()
        self.requests: list[dict[str, Any]] = []
        self.deleted = threading.Event()
        self.handles: list[str] = []

    def receive_message(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        try:
            message = self.messages.get(timeout=0.05)
        except queue.Empty:
            return {}
        if isinstance(message, Exception):
            raise message
        return {"Messages": [{"ReceiptHandle": message}]}

    def delete_message_batch(self, QueueUrl: str, Entries: list[dict[str, str]]) -> None:
        self.handles += [entry["ReceiptHandle"] for entry in Entries]
        self.deleted.set()


def test_any_message_pokes_and_is_deleted_and_a_lost_connection_is_survived():
    sqs = FakeSqs()

    async def go() -> None:
        poked = asyncio.Event()
        listener = PokeListener(poked.set, lambda: sqs, retry_seconds=0.01)
        sqs.messages.put(EndpointConnectionError(endpoint_url="http://sqs"))
        sqs.messages.put("handle")
        listener.listen("http://sqs/agent-1")
        listener.listen("http://sqs/agent-1")  # as every report says again
        async with asyncio.timeout(20):
            await poked.wait()
        assert await asyncio.to_thread(sqs.deleted.wait, 20)
        listener.close()

    asyncio.run(go())
    assert sqs.handles == ["handle"]
    assert {request["QueueUrl"] for request in sqs.requests} == {"http://sqs/agent-1"}
    assert sqs.requests[0]["WaitTimeSeconds"] == 20
