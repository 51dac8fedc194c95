"""Those who are told: a webhook receiver and an SQS consumer, as a customer would write them."""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import TypeAdapter, ValidationError

from infra.local.demo.network import LOCALHOST
from isotrack.contract.events import Event
from isotrack.recording.errors import CorruptInput
from isotrack.recording.events import RecordingEvent
from isotrack.recording.messages import unpack
from isotrack.recording.signatures import body_signature

MAX_BODY = 256 * 1024
_WAIT_SECONDS = 1  # of an SQS long poll

_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


class Receipt(NamedTuple):
    """An event as it came in, and by which way."""

    via: Literal["webhook", "sqs"]
    event: Event
    webhook_id: str = ""
    """The header `X-WEBHOOK-ID`: the same for each attempt to deliver this event."""
    attempt: int = 1
    """The header `X-WEBHOOK-ATTEMPT`."""


class Inbox:
    """All that was received, by whichever way, in the order it came."""

    def __init__(self) -> None:
        self._receipts: list[Receipt] = []
        self._rejected: list[str] = []
        self._changed = threading.Condition()

    def put(self, receipt: Receipt) -> None:
        """Keep a receipt, and wake who waits for one."""
        with self._changed:
            self._receipts.append(receipt)
            self._changed.notify_all()

    def reject(self, reason: str) -> None:
        """Keep what was wrong with something that is no event of ours."""
        with self._changed:
            self._rejected.append(reason)
            self._changed.notify_all()

    @property
    def receipts(self) -> tuple[Receipt, ...]:
        """What was received so far."""
        with self._changed:
            return tuple(self._receipts)

    def of_recording(self, egress_id: str) -> tuple[Receipt, ...]:
        """Those that are about one recording, so far."""
        return tuple(
            receipt
            for receipt in self.receipts
            if isinstance(receipt.event, RecordingEvent) and receipt.event.egress_id == egress_id
        )

    @property
    def rejected(self) -> tuple[str, ...]:
        """What came and was turned away: a wrong signature, a body that is no event."""
        with self._changed:
            return tuple(self._rejected)

    def wait(self, seconds: float) -> None:
        """Return when something new has come, or after that time."""
        with self._changed:
            self._changed.wait(seconds)


class WebhookReceiver:
    """An HTTP server on this machine that takes the events of one API secret.

    Args:
        inbox: where they go.
        answer: the status to answer an event with, by its receipt; 200 unless a test says other.
    """

    def __init__(self, inbox: Inbox, answer: Callable[[Receipt], int] = lambda _: 200) -> None:
        receiver = type("Receiver", (_WebhookHandler,), {"inbox": inbox, "answer": answer})
        self._server = ThreadingHTTPServer((LOCALHOST, 0), receiver)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True
        )
        self.url = f"http://{LOCALHOST}:{self._server.server_address[1]}/webhook"

    def open(self, api_secret: str) -> None:
        """Take what is signed with this secret from now on."""
        self._server.RequestHandlerClass.api_secret = api_secret  # type: ignore[attr-defined]
        self._thread.start()

    def close(self) -> None:
        """Take no more."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _WebhookHandler(BaseHTTPRequestHandler):
    inbox: ClassVar[Inbox]
    answer: ClassVar[Callable[[Receipt], int]]
    api_secret: ClassVar[str]
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Take one event, if its signature is right."""
        length = int(self.headers.get("Content-Length", "0"))
        if not 0 < length <= MAX_BODY:
            self._reply(413, f"a webhook body of {length} bytes")
            return
        body = self.rfile.read(length)
        signature = self.headers.get("X-SIGNATURE", "")
        if not hmac.compare_digest(signature, body_signature(body, self.api_secret)):
            self._reply(401, "a webhook whose signature is wrong")
            return
        try:
            receipt = Receipt(
                "webhook",
                _EVENT.validate_json(body),
                self.headers.get("X-WEBHOOK-ID", ""),
                int(self.headers.get("X-WEBHOOK-ATTEMPT", "0")),
            )
        except (ValidationError, ValueError) as error:
            self._reply(400, f"a webhook body that is no event: {error}")
            return
        self.inbox.put(receipt)
        self._reply(type(self).answer(receipt))

    def _reply(self, status: int, rejected: str = "") -> None:
        if rejected:
            self.inbox.reject(rejected)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on standard error: the inbox has it all."""


class QueueConsumer:
    """A consumer of the subscribers' SQS queue, in a thread of its own."""

    def __init__(self, inbox: Inbox, sqs: Any, queue_url: str) -> None:
        self._inbox, self._sqs, self._queue_url = inbox, sqs, queue_url
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sqs consumer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more."""
        self._stopping.set()
        self._thread.join()
        self._sqs.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            answer = self._sqs.receive_message(
                QueueUrl=self._queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=_WAIT_SECONDS
            )
            messages = answer.get("Messages", [])
            for message in messages:
                self._take(message)
            if not messages:
                time.sleep(0.1)  # in case the emulated queue does not wait as SQS does

    def _take(self, message: dict[str, Any]) -> None:
        try:
            self._inbox.put(Receipt("sqs", _EVENT.validate_json(unpack(message["Body"]))))
        except (CorruptInput, ValidationError) as error:
            self._inbox.reject(f"an SQS message that is no event: {error}")
        self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])
