"""A capture agent that only listens: its control interface, and the datagrams it was sent."""

from __future__ import annotations

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Arrived(NamedTuple):
    """A datagram, and when it came."""

    track: str
    rtcp: bool
    packet: bytes
    unix_us: int


class FakeAgent:
    """Hands out ports, keeps what comes in, and may ask a track for a keyframe."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.said: list[tuple[str, str, dict[str, Any]]] = []
        self.arrived: list[Arrived] = []
        self._ports: dict[str, dict[str, dict[str, Any]]] = {}
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._closing = False
        handler = type("Control", (_Control,), {"agent": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._run(lambda: self._server.serve_forever(poll_interval=0.05))

    def close(self) -> None:
        self._closing = True
        self._server.shutdown()
        for thread in self._threads:
            thread.join()
        for listener in self._sockets:
            listener.close()
        self._server.server_close()

    def changes(self) -> list[tuple[str, str]]:
        """Method and last path segments of what was said, each only once: refreshes left out."""
        return list(
            dict.fromkeys((method, path.split("/sessions/")[1]) for method, path, _ in self.said)
        )

    def announcement(self, track: str) -> dict[str, Any]:
        return next(body for _, path, body in self.said if path.endswith(f"/tracks/{track}"))

    def rtp(self, track: str) -> list[Arrived]:
        return [one for one in self.arrived if one.track == track and not one.rtcp]

    def rtcp(self, track: str) -> list[Arrived]:
        return [one for one in self.arrived if one.track == track and one.rtcp]

    def send(self, track: str, packet: bytes) -> None:
        feedback = self.announcement(track)["feedback"]
        self._sockets[0].sendto(packet, (feedback["host"], feedback["port"]))

    def ports(self, track: str) -> dict[str, dict[str, Any]]:
        if track not in self._ports:
            self._ports[track] = {
                "rtp": {"host": "127.0.0.1", "port": self._listen(track, rtcp=False)},
                "rtcp": {"host": "127.0.0.1", "port": self._listen(track, rtcp=True)},
            }
        return self._ports[track]

    def _listen(self, track: str, *, rtcp: bool) -> int:
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(0.05)
        self._sockets.append(listener)

        def receive() -> None:
            while not self._closing:
                try:
                    packet = listener.recv(65_535)
                except TimeoutError:
                    continue
                self.arrived.append(Arrived(track, rtcp, packet, time.time_ns() // 1000))

        self._run(receive)
        return int(listener.getsockname()[1])

    def _run(self, target: Any) -> None:
        thread = threading.Thread(target=target, daemon=True)
        thread.start()
        self._threads.append(thread)


class _Control(BaseHTTPRequestHandler):
    agent: FakeAgent

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.agent.said.append(("PUT", self.path, body))
        if self.agent.refuses:
            self._reply(400, {"error": "not here"})
            return
        is_track = "/tracks/" in self.path
        self._reply(200, self.agent.ports(self.path.rpartition("/")[2]) if is_track else {})

    def do_DELETE(self) -> None:
        self.agent.said.append(("DELETE", self.path, {}))
        self._reply(200, {})

    def _reply(self, status: int, body: dict[str, Any]) -> None:
        encoded = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, format: str, *args: object) -> None:
        pass
