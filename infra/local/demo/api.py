"""The public HTTP API, as a server-side client of it calls it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from isotrack.recording.errors import Rejected
from isotrack.recording.tracks import Call

_PATIENCE_SECONDS = 15.0
_PAUSE_SECONDS = 0.2


class RecordingApi:
    """Create calls, start and stop their individual recording."""

    def __init__(self, api_url: str, *, api_key: str, token: str) -> None:
        self._http = httpx.Client(
            base_url=api_url,
            params={"api_key": api_key},
            headers={"Authorization": token, "stream-auth-type": "jwt"},
            timeout=15.0,
            trust_env=False,
        )

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()

    def create(self, call: Call, user_id: str) -> None:
        """Create a call, and its user; what is there already stays as it is."""
        body = {"data": {"created_by": {"id": user_id}}}
        _expect_created(self._post(_path(call), body), "create the call")

    def start(self, call: Call) -> None:
        """Start to record a call; one just opened is asked for again until it is known."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            answer = self._post(f"{_path(call)}/recordings/individual/start", {})
            if "no active session" not in answer.text or time.monotonic() > deadline:
                break
            time.sleep(_PAUSE_SECONDS)
        _expect_created(answer, "start the recording")

    def stop(self, call: Call) -> None:
        """Stop to record a call."""
        stopped = self._post(f"{_path(call)}/recordings/individual/stop", {})
        _expect_created(stopped, "stop the recording")

    def _post(self, path: str, body: Mapping[str, Any]) -> httpx.Response:
        try:
            return self._http.post(path, json=body)
        except httpx.TransportError as error:
            raise Rejected(f"the API does not answer POST {path}: {error}") from error


def _path(call: Call) -> str:
    return f"/api/v2/video/call/{quote(call.call_type, safe='')}/{quote(call.call_id, safe='')}"


def _expect_created(answer: httpx.Response, what: str) -> None:
    if answer.status_code != httpx.codes.CREATED:
        raise Rejected(f"the API refused to {what}: {answer.status_code} {answer.text[:300]}")
