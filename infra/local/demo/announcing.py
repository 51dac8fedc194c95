"""What an SFU says to its capture agent: who is in the call, and what they publish.

The agent's control interface is declarative, so everything announced is announced again each
second: an agent that was restarted learns of the call, and its new ports are taken up.
"""

from __future__ import annotations

import json
import threading
import time
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote, urlsplit

from infra.local.demo.network import Line
from isotrack.recording.errors import Rejected
from isotrack.recording.tracks import Call

REFRESH_SECONDS = 1.0
_PATIENCE_SECONDS = 15.0
_PAUSE_SECONDS = 0.2
_TIMEOUT_SECONDS = 5.0


class Announcer:
    """The control interface of an agent, for one participant session of a call."""

    def __init__(self, control_url: str, call: Call, user_session_id: str, user_id: str) -> None:
        # The standard library's client: a publisher must be up at once, and httpx takes 0.7 s.
        self._address = urlsplit(control_url).netloc
        self._call = f"/v1/calls/{_quoted(call.call_type)}/{_quoted(call.call_id)}"
        self._session = f"{self._call}/sessions/{_quoted(user_session_id)}"
        self._user_id = user_id
        self._tracks: dict[str, tuple[dict[str, Any], Line]] = {}
        self._present = False
        self._lock = threading.Lock()

    def join(self) -> None:
        """Announce the participant session."""
        with self._lock:
            self._request("PUT", self._session, {"user_id": self._user_id})
            self._present = True

    def publish(self, track_id: str, announcement: dict[str, Any], line: Line) -> None:
        """Announce a track, and point its line at the ports that the agent hands out."""
        with self._lock:
            self._announce(track_id, announcement, line)
            self._tracks[track_id] = announcement, line

    def withdraw(self, track_id: str) -> None:
        """The track has ended."""
        with self._lock:
            self._tracks.pop(track_id)
            self._request("DELETE", self._track(track_id))

    def leave(self) -> None:
        """The participant has left, and all their tracks with them."""
        with self._lock:
            self._present = False
            self._tracks.clear()
            self._request("DELETE", self._session)

    def end_call(self) -> None:
        """The call is over: the SFU has closed it."""
        with self._lock:
            self._request("DELETE", self._call)

    def refresh(self) -> None:
        """Say again what holds."""
        with self._lock:
            if not self._present:
                return
            self._request("PUT", self._session, {"user_id": self._user_id})
            for track_id, (announcement, line) in self._tracks.items():
                self._announce(track_id, announcement, line)

    def _announce(self, track_id: str, announcement: dict[str, Any], line: Line) -> None:
        ports = self._request("PUT", self._track(track_id), announcement)
        line.point(
            rtp=(ports["rtp"]["host"], ports["rtp"]["port"]),
            rtcp=(ports["rtcp"]["host"], ports["rtcp"]["port"]),
        )

    def _track(self, track_id: str) -> str:
        return f"{self._session}/tracks/{_quoted(track_id)}"

    def _request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the agent; while it is away (it may be restarting) ask again."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                status, answer = self._ask(method, path, body)
                break
            except (OSError, HTTPException) as error:
                if time.monotonic() > deadline:
                    raise Rejected(f"the agent does not answer {method} {path}: {error}") from error
                time.sleep(_PAUSE_SECONDS)
        gone = method == "DELETE" and status == HTTPStatus.NOT_FOUND
        if status >= HTTPStatus.BAD_REQUEST and not gone:
            said = answer[:300].decode(errors="replace")
            raise Rejected(f"the agent refused {method} {path}: {status} {said}")
        return json.loads(answer) if answer else None

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, bytes]:
        connection = HTTPConnection(self._address, timeout=_TIMEOUT_SECONDS)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def _quoted(identifier: str) -> str:
    return quote(identifier, safe="")
