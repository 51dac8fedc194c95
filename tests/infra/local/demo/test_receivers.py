"""The webhook receiver and the SQS consumer, as strict as a customer's should be."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from infra.local.demo.receivers import Inbox, QueueConsumer, Receipt, WebhookReceiver
from isotrack.recording.events import recording_started
from isotrack.recording.messages import pack
from isotrack.recording.signatures import body_signature

SECRET = "of the test"
EVENT = recording_started("default:c", "egress-1", datetime(2026, 1, 2, tzinfo=UTC))
BODY = EVENT.model_dump_json().encode()


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def webhook(inbox: Inbox) -> Iterator[WebhookReceiver]:
    receiver = WebhookReceiver(inbox, answer=lambda receipt: 500 if receipt.attempt == 1 else 200)
    receiver.open(SECRET)
    yield receiver
    receiver.close()


def _post(webhook: WebhookReceiver, body: bytes, signature: str, attempt: str = "2") -> int:
    headers = {"X-SIGNATURE": signature, "X-WEBHOOK-ID": "w", "X-WEBHOOK-ATTEMPT": attempt}
    return httpx.post(webhook.url, content=body, headers=headers, trust_env=False).status_code


def test_a_signed_event_is_received(webhook: WebhookReceiver, inbox: Inbox) -> None:
    assert _post(webhook, BODY, body_signature(BODY, SECRET)) == 200
    assert inbox.receipts == (Receipt("webhook", EVENT, "w", 2),)


def test_the_answer_may_depend_on_the_attempt(webhook: WebhookReceiver, inbox: Inbox) -> None:
    assert _post(webhook, BODY, body_signature(BODY, SECRET), attempt="1") == 500
    assert inbox.receipts[0].attempt == 1


def test_an_event_signed_with_another_secret_is_turned_away(
    webhook: WebhookReceiver, inbox: Inbox
) -> None:
    assert _post(webhook, BODY, body_signature(BODY, "another")) == 401
    assert inbox.receipts == ()
    assert inbox.rejected == ("a webhook whose signature is wrong",)


def test_a_signed_body_that_is_no_event_is_turned_away(
    webhook: WebhookReceiver, inbox: Inbox
) -> None:
    assert _post(webhook, b"{}", body_signature(b"{}", SECRET)) == 400
    assert inbox.receipts == ()
    assert "no event" in inbox.rejected[0]


class FakeSqs:
    """A queue with these bodies in it."""

    def __init__(self, *bodies: str) -> None:
        self._bodies: queue.Queue[str] = queue.Queue()
        for body in bodies:
            self._bodies.put(body)
        self.deleted: list[str] = []

    def receive_message(self, **arguments: Any) -> dict[str, Any]:
        if self._bodies.empty():
            return {}
        body = self._bodies.get()
        return {"Messages": [{"Body": body, "ReceiptHandle": body[:8]}]}

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> None:
        self.deleted.append(ReceiptHandle)

    def close(self) -> None:
        pass


def test_messages_are_taken_and_deleted_and_what_is_no_event_is_kept_apart(inbox: Inbox) -> None:
    sqs = FakeSqs(pack(BODY.decode()), "not an event")
    consumer = QueueConsumer(inbox, sqs, "http://queue")
    while not inbox.rejected:
        inbox.wait(5)
    consumer.close()
    assert [receipt.via for receipt in inbox.receipts] == ["sqs"]
    assert inbox.receipts[0].event == EVENT
    assert sqs.deleted == [pack(BODY.decode())[:8], "not an e"]
