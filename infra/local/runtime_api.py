"""The AWS Lambda Runtime API (version 2018-06-01), as one worker process sees it.

Reference: AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes". AWS's
own client, `awslambdaric`, asks for the next invocation, posts its response or its error, or says
that it could not even import the handler.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ROOT = "/2018-06-01/runtime"
PAYLOAD_LIMIT = 6 * 1024 * 1024 + 100  # what AWS enforces on a response: 6,291,556 bytes
WRITE_BUFFER = 64 * 1024


@dataclass(frozen=True)
class Invocation:
    """One event for a function."""

    request_id: str
    payload: bytes
    function_arn: str
    timeout_seconds: float


@dataclass(frozen=True)
class Outcome:
    """What came of an invocation: JSON, of the result or of an error in Lambda's shape.

    Attributes:
        worker_lost: the worker cannot be used again.
    """

    payload: bytes
    failed: bool = False
    worker_lost: bool = False


def failure(kind: str, message: str, *, worker_lost: bool = False) -> Outcome:
    """An error of the platform, in the shape in which Lambda reports those of functions."""
    error = {"errorType": kind, "errorMessage": message}
    return Outcome(json.dumps(error).encode(), failed=True, worker_lost=worker_lost)


class Mailbox:
    """Where one worker and its callers meet: at most one invocation at a time."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._next: Invocation | None = None
        self._taken: Invocation | None = None
        self._outcome: Outcome | None = None
        self._lost: Outcome | None = None

    @property
    def lost(self) -> Outcome | None:
        """Why the worker is of no use any more, if it is not."""
        return self._lost

    def post(self, invocation: Invocation) -> None:
        """Leave an event for the worker."""
        with self._changed:
            self._next, self._taken, self._outcome = invocation, None, None
            self._changed.notify_all()

    def take(self) -> Invocation | None:
        """Wait for an event; None when the worker was given up."""
        with self._changed:
            self._changed.wait_for(lambda: self._next or self._lost)
            self._taken, self._next = self._next, None
            self._changed.notify_all()
            return self._taken

    def answer(self, request_id: str, outcome: Outcome) -> bool:
        """Leave what came of the event; False if nobody waits for it."""
        with self._changed:
            if self._taken is None or self._taken.request_id != request_id:
                return False
            self._outcome = outcome
            self._changed.notify_all()
            return True

    def lose(self, outcome: Outcome) -> None:
        """Say that the worker is gone; the first reason given stays."""
        with self._changed:
            self._lost = self._lost or outcome
            self._changed.notify_all()

    def wait_taken(self, seconds: float) -> bool:
        """Wait until the worker has taken the event or is lost; False when time ran out."""
        with self._changed:
            return bool(self._changed.wait_for(lambda: self._taken or self._lost, seconds))

    def wait_outcome(self, seconds: float) -> Outcome | None:
        """Wait for what came of the event; None when time ran out."""
        with self._changed:
            self._changed.wait_for(lambda: self._outcome or self._lost, seconds)
            return self._outcome or self._lost


class RuntimeApi(ThreadingHTTPServer):
    """The endpoint of one worker, on a port of its own: `AWS_LAMBDA_RUNTIME_API`."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.mailbox = Mailbox()
        thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        thread.name = f"runtime-api-{self.server_address[1]}"
        thread.start()

    @property
    def address(self) -> str:
        """Host and port."""
        host, port = self.server_address[:2]
        return f"{host!s}:{port}"

    def stop(self) -> None:
        """Give the port back."""
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without these two, Nagle's algorithm against delayed ACKs costs 44 ms per invocation.
    disable_nagle_algorithm = True
    wbufsize = WRITE_BUFFER
    server: RuntimeApi

    def do_GET(self) -> None:
        """`/invocation/next` waits until there is an event."""
        if self.path != f"{ROOT}/invocation/next":
            self._reply(404)
            return
        invocation = self.server.mailbox.take()
        if invocation is None:
            self.close_connection = True
            return
        deadline_ms = round((time.time() + invocation.timeout_seconds) * 1000)
        self._reply(
            200,
            invocation.payload,
            {
                "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
                "Lambda-Runtime-Trace-Id": _trace_id(invocation.request_id),
            },
        )

    def do_POST(self) -> None:
        """A response, an error of the handler, or an error before there was a handler."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        mailbox = self.server.mailbox
        if self.path == f"{ROOT}/init/error":
            mailbox.lose(Outcome(body, failed=True, worker_lost=True))
            self._reply(202)
            return
        request_id, _, verb = self.path.removeprefix(f"{ROOT}/invocation/").partition("/")
        if verb not in ("response", "error"):
            self._reply(404)
        elif len(body) > PAYLOAD_LIMIT:
            message = (
                "Response payload size exceeded maximum allowed payload size "
                f"({PAYLOAD_LIMIT} bytes)."
            )
            too_large = failure("Function.ResponseSizeTooLarge", message, worker_lost=True)
            mailbox.answer(request_id, too_large)
            self._reply(413)
        else:
            known = mailbox.answer(request_id, Outcome(body, failed=verb == "error"))
            self._reply(202 if known else 400)

    def _reply(
        self, status: int, body: bytes = b'{"status":"OK"}', headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the worker's log tells of its invocations."""


def _trace_id(request_id: str) -> str:
    """An X-Ray header that says: not sampled."""
    digits = request_id.replace("-", "")
    return f"Root=1-{digits[:8]}-{digits[8:32]};Parent={digits[:16]};Sampled=0"
