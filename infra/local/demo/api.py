"""The public HTTP API, as a server-side client of it calls it."""

from __future__ import annotations

import time
from urllib.parse import quote

import httpx

from isotrack.recording.errors import Rejected
from isotrack.recording.tracks import Call

_PATIENCE_SECONDS = 15.0
_PAUSE_SECONDS = 0.2


class RecordingApi:
    """Start and stop individual recording."""

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

    def start(self, call: Call) -> None:
        """Start to record a call; one just opened is asked for again until it is known."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            answer = self._post(call, "start")
            unknown = "no active session" in answer.text or answer.status_code == 404
            if not unknown or time.monotonic() > deadline:
                break
            time.sleep(_PAUSE_SECONDS)
        _expect_created(answer, "start the recording")

    def stop(self, call: Call) -> None:
        """Stop to record a call."""
        _expect_created(self._post(call, "stop"), "stop the recording")

    def _post(self, call: Call, verb: str) -> httpx.Response:
        ids = quote(call.call_type, safe=""), quote(call.call_id, safe="")
        path = f"/api/v2/video/call/{ids[0]}/{ids[1]}/recordings/individual/{verb}"
        try:
            return self._http.post(path, json={})
        except httpx.TransportError as error:
            raise Rejected(f"the API does not answer POST {path}: {error}") from error


def _expect_created(answer: httpx.Response, what: str) -> None:
    if answer.status_code != httpx.codes.CREATED:
        raise Rejected(f"the API refused to {what}: {answer.status_code} {answer.text[:300]}")
