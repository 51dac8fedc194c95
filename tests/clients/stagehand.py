"""A small server for client programs: it serves a page, does what they ask of the stage, and takes
what they report. It is no part of Isotrack, and a page that it serves has another origin.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".json": "application/json"}

Action = Callable[[dict[str, Any]], object]


class Stagehand:
    """Context manager: the server, on a port of its own.

    Attributes:
        url: its origin.
        reports: what programs have posted to `/report`.
    """

    def __init__(self, actions: Mapping[str, Action], pages: Mapping[str, bytes] | None = None):
        """Listen at once.

        Args:
            actions: what a POST to `/stage/{name}` does; it is given the JSON of the body.
            pages: what a GET of a path answers.
        """
        self.reports: queue.Queue[dict[str, Any]] = queue.Queue()
        attributes = {"actions": actions, "pages": pages or {}, "reports": self.reports}
        handler = type("Handler", (_Handler,), attributes)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    actions: ClassVar[Mapping[str, Action]]
    pages: ClassVar[Mapping[str, bytes]]
    reports: ClassVar[queue.Queue[dict[str, Any]]]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path in self.pages:
            self._answer(200, self.pages[path], TYPES[Path(path).suffix])
        else:
            self._answer(404)

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        action = self.actions.get(self.path.removeprefix("/stage/"))
        if self.path == "/report":
            self.reports.put(said)
        elif action is None:
            self._answer(404)
            return
        else:
            try:
                action(said)
            except AssertionError as failed:
                self._answer(500, str(failed).encode(), "text/plain")
                return
        self._answer(204)

    def _answer(self, status: int, body: bytes = b"", kind: str = "") -> None:
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of each request."""
