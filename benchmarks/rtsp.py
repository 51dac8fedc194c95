"""An RTSP server that sends a file of interleaved packets as fast as it is taken (RFC 2326).

It does no work meanwhile: the kernel copies the file to the socket. It runs in the process that
waits for the measured one, whose CPU time is not counted.
"""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.root = root


class _Session(socketserver.StreamRequestHandler):
    """A client that asks for one stream, and is played all of it."""

    def handle(self) -> None:
        while request := self._request():
            method, url, sequence = request
            folder = self._folder(url)
            body, headers = b"", []
            if method == "DESCRIBE":
                body = (folder / "session.sdp").read_bytes()
                headers = ["Content-Type: application/sdp", f"Content-Base: {url}/"]
            elif method == "SETUP":
                headers = ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1"]
            headers += [f"Content-Length: {len(body)}"] if body else []
            lines = ["RTSP/1.0 200 OK", f"CSeq: {sequence}", "Session: 1", *headers, "", ""]
            self.wfile.write("\r\n".join(lines).encode() + body)
            if method == "PLAY":
                self._play(folder)
                return

    def _folder(self, url: str) -> Path:
        codec, seconds = url.split("/")[3:5]
        return cast(_Server, self.server).root / codec / seconds

    def _request(self) -> tuple[str, str, str] | None:
        """Method, URL and sequence number of the next request."""
        line = self.rfile.readline().decode()
        if not line.strip():
            return None
        headers = {}
        while (header := self.rfile.readline().decode().strip()) != "":
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        method, url, _ = line.split()
        return method, url, headers["cseq"]

    def _play(self, folder: Path) -> None:
        drain = threading.Thread(target=self._drain, daemon=True)
        drain.start()
        with (folder / "packets.rtsp").open("rb") as file, suppress(ConnectionError):
            self.connection.sendfile(file)
            self.connection.shutdown(socket.SHUT_WR)
        drain.join()

    def _drain(self) -> None:
        """Take the receiver reports, so that the client never waits for us."""
        with suppress(ConnectionError):
            while self.rfile.read1(65_536):
                pass


@contextmanager
def serve(root: Path) -> Iterator[str]:
    """Serve the inputs below `root` for a while; gives the URL they are under."""
    with _Server(root) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"rtsp://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
