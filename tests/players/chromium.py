"""Headless Chromium playing files: a page takes them from a server here and reports back to it."""

from __future__ import annotations

import json
import queue
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

PAGE = Path(__file__).with_name("chromium.html")
PATIENCE_S = 240
"""Until a file has been played: the page itself gives up on each step after a minute."""

_POLL_S = 20
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)


class Sought(NamedTuple):
    """What came of a seek, in seconds."""

    asked: float
    at: float
    shown: float | None
    """The picture that is seen; None of sound alone."""
    advanced: bool
    """Playing goes on from there."""


class Played(NamedTuple):
    """What the browser says of a file."""

    error: str | None
    duration: float
    end: float
    frames: int
    """Decoded on the way to the end."""
    sizes: list[tuple[int, int]]
    """Of each `resize` event."""
    seeks: list[Sought]


class Chromium:
    """A browser and the server it plays from; both end with `close`."""

    def __init__(self, program: str) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._browser = subprocess.Popen(
            [
                program,
                *_FLAGS,
                f"--user-data-dir={self._profile.name}",
                f"http://127.0.0.1:{self._server.server_port}/",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def play(
        self,
        file: Path,
        *,
        seeks: Sequence[float] = (),
        rate: float = 16,
    ) -> Played:
        """Play a file to its end, then seek to some places in it, given in seconds."""
        self._server.files.append(file)
        url = f"files/{len(self._server.files) - 1}"
        self._server.jobs.put({"url": url, "seeks": list(seeks), "rate": rate})
        report = self._server.reports.get(timeout=PATIENCE_S)
        return Played(
            error=report["error"],
            duration=report.get("duration", 0.0),
            end=report.get("end", 0.0),
            frames=report.get("frames", 0),
            sizes=[(width, height) for width, height in report["sizes"]],
            seeks=[Sought(**each) for each in report["seeks"]],
        )

    def close(self) -> None:
        self._browser.terminate()
        self._browser.wait(10)
        self._server.shutdown()
        self._server.server_close()
        self._profile.cleanup()


class _Server(ThreadingHTTPServer):
    """What the page takes from here, and what it gives back."""

    daemon_threads = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.jobs: queue.Queue[dict[str, Any]] = queue.Queue()
        self.reports: queue.Queue[dict[str, Any]] = queue.Queue()
        self.files: list[Path] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A player that seeks hangs up on what it asked for before."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/":
            self._answer(200, PAGE.read_bytes(), {"Content-Type": "text/html"})
        elif self.path == "/next":
            try:
                self._answer(200, json.dumps(self.server.jobs.get(timeout=_POLL_S)).encode())
            except queue.Empty:
                self._answer(204)
        elif self.path.startswith("/files/"):
            self._send(self.server.files[int(self.path.rpartition("/")[2])].read_bytes())
        else:
            self._answer(404)

    def do_POST(self) -> None:
        report = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.reports.put(json.loads(report))
        self._answer(204)

    def _send(self, body: bytes) -> None:
        """A file, or the range of it that is asked for (RFC 9110 section 14)."""
        about = {"Content-Type": "video/x-matroska", "Accept-Ranges": "bytes"}
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked is None:
            self._answer(200, body, about)
            return
        first = int(asked[1])
        last = min(int(asked[2] or len(body)), len(body) - 1)
        if first > last:
            self._answer(416, headers={"Content-Range": f"bytes */{len(body)}"})
            return
        about["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
        self._answer(206, body[first : last + 1], about)

    def _answer(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""
