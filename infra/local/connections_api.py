"""The `@connections` API by which functions send to WebSocket connections, and close them.

moto has one, but its connections are not connected to anything. This one stands before moto on the
endpoint of all services. Reference: API Gateway Management API, 2018-11-29.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, NamedTuple

from websockets.frames import CloseCode

from infra.local.websocket_api import WebSocketApi
from infra.local.websocket_connection import MESSAGE_LIMIT, Closed

# The stage, and the id, which WSGI has decoded.
PATH = re.compile(r"/([^/]+)/@connections/([^/]+)")
SIGNED_FOR = "/execute-api/aws4_request"

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _Answer(NamedTuple):
    status: HTTPStatus
    error: str = ""
    """The type of the exception, if it is one."""


GONE = _Answer(HTTPStatus.GONE, "GoneException")


class ConnectionsApi:
    """A WSGI application that takes what is meant for connections, and leaves the rest to moto."""

    def __init__(self, websocket_api: WebSocketApi, others: Wsgi) -> None:
        self._websocket_api = websocket_api
        self._others = others

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer one request."""
        path = PATH.fullmatch(environ.get("PATH_INFO", ""))
        if path is None or SIGNED_FOR not in environ.get("HTTP_AUTHORIZATION", ""):
            return self._others(environ, start_response)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        answer = self._answer(environ["REQUEST_METHOD"], path[2], body)
        headers = [("Content-Type", "application/json")]
        content = b""
        if answer.error:
            headers.append(("x-amzn-ErrorType", answer.error))
            content = json.dumps({"message": answer.error}).encode()
        headers.append(("Content-Length", str(len(content))))
        start_response(f"{answer.status.value} {answer.status.phrase}", headers)
        return [content]

    def _answer(self, method: str, connection_id: str, body: bytes) -> _Answer:
        connection = self._websocket_api.find(connection_id)
        if connection is None:
            return GONE
        if method == "DELETE":
            connection.close(CloseCode.NORMAL_CLOSURE)
            return _Answer(HTTPStatus.NO_CONTENT)
        if method != "POST":
            return _Answer(HTTPStatus.METHOD_NOT_ALLOWED, "ForbiddenException")
        if len(body) > MESSAGE_LIMIT:
            return _Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "PayloadTooLargeException")
        try:
            connection.send(body)
        except Closed:
            return GONE
        return _Answer(HTTPStatus.OK)
