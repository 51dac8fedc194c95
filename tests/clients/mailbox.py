"""What subscribers are sent, byte for byte: the bodies of webhooks and of SQS messages."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

PATIENCE_S = 60.0


class Delivery(NamedTuple):
    """One request to the webhook."""

    body: bytes
    headers: Mapping[str, str]
    """By their names in lower case."""

    @property
    def event(self) -> dict[str, Any]:
        """The event as plain JSON."""
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


class Mailbox:
    """A webhook that takes and keeps everything, as it came."""

    def __init__(self) -> None:
        self._deliveries: list[Delivery] = []
        self._changed = threading.Condition()
        handler = type("Handler", (_Handler,), {"mailbox": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/webhook"
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def close(self) -> None:
        """Take no more."""
        self._server.shutdown()
        self._server.server_close()

    def put(self, delivery: Delivery) -> None:
        """Keep a delivery, and wake who waits for one."""
        with self._changed:
            self._deliveries.append(delivery)
            self._changed.notify_all()

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """All so far, in the order they came."""
        with self._changed:
            return tuple(self._deliveries)

    def events(self, call_cid: str, *types: str) -> list[dict[str, Any]]:
        """The events of a call so far, each once; of some types, or all."""
        found = {
            event["event_id"]: event
            for event in (delivery.event for delivery in self.deliveries)
            if event["call_cid"] == call_cid and (not types or event["type"] in types)
        }
        return list(found.values())

    def wait_for(
        self,
        call_cid: str,
        *types: str,
        until: Callable[[list[dict[str, Any]]], bool] = bool,
    ) -> list[dict[str, Any]]:
        """The events of a call once there are enough of them; fails when they do not come."""
        deadline = time.monotonic() + PATIENCE_S
        while not until(events := self.events(call_cid, *types)):
            left = deadline - time.monotonic()
            if left < 0:
                came = [event["type"] for event in self.events(call_cid)]
                raise AssertionError(f"{' or '.join(types)} of {call_cid} did not come, but {came}")
            with self._changed:
                self._changed.wait(min(left, 0.2))
        return events


class _Handler(BaseHTTPRequestHandler):
    mailbox: Mailbox
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.mailbox.put(
            Delivery(body, {name.lower(): text for name, text in self.headers.items()})
        )
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of each request."""
