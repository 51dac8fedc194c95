"""A webhook receiver: a real HTTP server on a port of loopback that the system picks."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Post(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Answers with the given statuses, the last one for ever, and keeps what was posted.

    Status 0 is no answer at all, until the receiver is closed.
    """

    def __init__(self, statuses: Sequence[int]) -> None:
        self.posts: list[Post] = []
        self.closed = threading.Event()
        self._statuses = list(statuses)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.posts.append(Post(self.path, dict(self.headers.items()), body))
                receiver.answer(self)

            def do_GET(self) -> None:
                receiver.posts.append(Post(self.path, dict(self.headers.items()), b""))
                receiver.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?a=b"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        if status == 0:
            self.closed.wait()
            return
        request.send_response(status)
        if 300 <= status < 400:
            request.send_header("Location", self.url)
        request.send_header("Content-Length", "0")
        request.end_headers()


@contextmanager
def receiver(*statuses: int) -> Iterator[Receiver]:
    """A receiver that answers with these statuses one after another."""
    made = Receiver(statuses)
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield made
    finally:
        made.closed.set()
        made.server.shutdown()
        thread.join()
        made.server.server_close()
