"""From a start to `call.recording_started` received over WebSocket, and from a stop likewise."""

from __future__ import annotations

import json
import time
from typing import Any, NamedTuple

import httpx
from websockets.sync.client import ClientConnection, connect

from benchmarks.api.load import Latency, latency, timed
from benchmarks.api.operations import CALL_TYPE, Api, start, stop
from isotrack.adapters.tokens import user_token

PATIENCE_S = 20.0
PAUSE_S = 0.2
"""Between two recordings: nobody starts the next in the moment the last one stopped."""


class Watched(NamedTuple):
    """Of recordings one after the other."""

    start: Latency
    """Until the start is answered."""
    started: Latency
    """From asking for the start until the event was received."""
    stop: Latency
    stopped: Latency


class Watcher:
    """A user connected over WebSocket, who watches a call."""

    def __init__(self, url: str, api_key: str, api_secret: str, user_id: str) -> None:
        self._url, self._api_key, self._user_id = url, api_key, user_id
        self._token = user_token(api_secret, user_id)
        address = url.replace("http", "ws", 1) + "/video/connect"
        self._socket: ClientConnection = connect(
            f"{address}?api_key={api_key}&stream-auth-type=jwt", open_timeout=PATIENCE_S, proxy=None
        )
        message = {
            "token": self._token,
            "products": ["video"],
            "user_details": {"id": user_id},
        }
        self._socket.send(json.dumps(message))
        self._connection_id: str = self.wait_for("connection.ok")["connection_id"]

    def watch(self, call_id: str) -> None:
        """Be told the events of a call from now on."""
        httpx.get(
            f"{self._url}/video/call/{CALL_TYPE}/{call_id}",
            params={"api_key": self._api_key, "connection_id": self._connection_id},
            headers={"Authorization": self._token, "stream-auth-type": "jwt"},
            trust_env=False,
        ).raise_for_status()

    def wait_for(self, kind: str) -> dict[str, Any]:
        """The next message of a type."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            text = self._socket.recv(timeout=deadline - time.monotonic())
            message: dict[str, Any] = json.loads(text)
            if message["type"] == kind:
                return message

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def watch_recordings(api: Api, watcher: Watcher, call_id: str, rounds: int) -> Watched:
    """Start and stop a call's recording again and again, as one who watches sees it."""
    samples: list[tuple[float, float, float, float]] = []
    for _ in range(rounds + 1):  # the first round starts functions, and is not counted
        began = time.perf_counter()
        start_ms = timed(lambda: start(api, call_id))
        watcher.wait_for("call.recording_started")
        started_ms = (time.perf_counter() - began) * 1000
        began = time.perf_counter()
        stop_ms = timed(lambda: stop(api, call_id))
        watcher.wait_for("call.recording_stopped")
        stopped_ms = (time.perf_counter() - began) * 1000
        samples.append((start_ms, started_ms, stop_ms, stopped_ms))
        time.sleep(PAUSE_S)
    return Watched(*(latency(column) for column in zip(*samples[1:], strict=True)))
