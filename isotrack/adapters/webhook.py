"""A customer's HTTP endpoint."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from isotrack.recording.errors import DestinationError

TIMEOUT_SECONDS = 6.0


class HttpEndpoint:
    """An Endpoint at a url; follows no redirect and takes no proxy from the environment."""

    def __init__(self, url: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        """Args: url, and how long to wait for a connection, and for each piece of the answer.

        Raises DestinationError when the url is none of http or https.
        """
        try:
            self._url = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise DestinationError(f"the webhook's url is none: {error}") from error
        if self._url.scheme not in ("http", "https") or not self._url.host:
            raise DestinationError(f"the webhook's url must be http or https: {url!r}")
        self._client = httpx.Client(
            follow_redirects=False, trust_env=False, timeout=httpx.Timeout(timeout_seconds)
        )

    def post(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Post once. Raises DestinationError unless the answer is 2xx; its body is not read."""
        try:
            with self._client.stream(
                "POST", self._url, content=body, headers=dict(headers)
            ) as answer:
                status = answer.status_code
        except httpx.HTTPError as error:
            kind = type(error).__name__
            raise DestinationError(f"webhook {self._url.host}: {kind}: {error}") from error
        if not 200 <= status < 300:
            raise DestinationError(f"webhook {self._url.host} answered {status}")
