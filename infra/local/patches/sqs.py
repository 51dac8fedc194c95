"""moto's SQS is not safe under concurrency, and pushes to functions by itself.

- Sending, receiving, deleting and hiding messages of a queue exclude each other: unpatched,
  deleting makes a new list of messages while another thread adds to the old one (a message is
  lost), and two receivers may get the same message.
- A long poll ends when a message comes, not at the next full second.
- SendMessage invokes no function: `infra.local.sources` polls, with batches, partial failures and
  redrive.
"""

from __future__ import annotations

import time
from typing import Any

from moto.sqs.models import Queue, SQSBackend

from infra.local.patches.swap import swap

# Messages whose visibility timeout ends wake nobody: look again this often.
LOOK_AGAIN_SECONDS = 0.25


def install() -> None:
    """Make queues safe, and passive."""
    _install_writes()
    _install_receive()


def _install_writes() -> None:
    def add_message(self: Any, message: Any) -> None:
        with self._messages_lock:
            mappings, self.lambda_event_source_mappings = self.lambda_event_source_mappings, {}
            try:
                original_add(self, message)
            finally:
                self.lambda_event_source_mappings = mappings

    def delete_message(self: Any, receipt_handle: str) -> None:
        with self._messages_lock:
            original_delete(self, receipt_handle)

    def change_message_visibility(
        self: Any, queue_name: str, receipt_handle: str, visibility_timeout: int
    ) -> None:
        with self.get_queue(queue_name)._messages_lock:
            original_change(self, queue_name, receipt_handle, visibility_timeout)

    original_add = swap(Queue, "add_message", add_message)
    original_delete = swap(Queue, "delete_message", delete_message)
    original_change = swap(SQSBackend, "change_message_visibility", change_message_visibility)


def _install_receive() -> None:
    def receive_message(
        self: Any,
        queue_name: str,
        count: int,
        wait_seconds_timeout: int,
        visibility_timeout: int,
        message_attribute_names: list[str] | None = None,
    ) -> Any:
        end = time.monotonic() + wait_seconds_timeout
        changed = self.get_queue(queue_name)._messages_lock
        with changed:
            while True:
                messages = original_receive(
                    self, queue_name, count, 0, visibility_timeout, message_attribute_names
                )
                left = end - time.monotonic()
                if messages or left <= 0:
                    return messages
                changed.wait(min(left, LOOK_AGAIN_SECONDS))

    original_receive = swap(SQSBackend, "receive_message", receive_message)
