"""The data plane of the HTTP API, which moto does not have: requests become invocations."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as WaitedTooLong
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from infra.local.http_events import (
    Request,
    Response,
    Route,
    find,
    from_result,
    message,
    server_error,
    to_event,
)
from infra.local.runtime_api import PAYLOAD_LIMIT, Outcome

BODY_LIMIT = 10 * 1024 * 1024
INTEGRATION_SECONDS = 30.0
REQUESTS_AT_ONCE = 32


@dataclass(frozen=True)
class Api:
    """What an HTTP API is made of."""

    api_id: str
    routes: Sequence[Route]


def read_api(gateway: Any) -> Api | None:
    """The one HTTP API that moto's control plane knows of, if there is one."""
    apis = gateway.get_apis()["Items"]
    if not apis:
        return None
    api_id = apis[0]["ApiId"]
    uris = {
        each["IntegrationId"]: each["IntegrationUri"]
        for each in gateway.get_integrations(ApiId=api_id)["Items"]
    }
    return Api(
        api_id,
        [
            Route(each["RouteKey"], uris[each["Target"].removeprefix("integrations/")])
            for each in gateway.get_routes(ApiId=api_id)["Items"]
        ],
    )


class HttpApi(ThreadingHTTPServer):
    """Listens from the start, so that its URL is known; answers 404 until it has an API."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int, invoke: Callable[[str, bytes], Outcome]) -> None:
        """Bind the port.

        Args:
            port: on 127.0.0.1; 0 for any that is free.
            invoke: gives the function of an ARN an event and waits for it.
        """
        super().__init__(("127.0.0.1", port), _Handler)
        self._api: Api | None = None
        self._invoke = invoke
        self._integrations = ThreadPoolExecutor(REQUESTS_AT_ONCE, thread_name_prefix="http-api")
        threading.Thread(
            target=self.serve_forever, args=(0.05,), daemon=True, name="http-api"
        ).start()

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def serve(self, api: Api) -> None:
        """From now on answer for this API."""
        self._api = api

    def stop(self) -> None:
        """Give the port back."""
        self.shutdown()
        self.server_close()
        self._integrations.shutdown(wait=False, cancel_futures=True)

    def answer(self, request: Request) -> Response:
        """Route a request, invoke the function, make a response of what it says."""
        api = self._api
        found = find(api.routes, request) if api else None
        if api is None or found is None:
            return message(404, "Not Found")
        route, parameters = found
        event = to_event(
            request,
            route,
            parameters,
            api_id=api.api_id,
            request_id=str(uuid.uuid4()),
            received=datetime.now(UTC),
        )
        payload = json.dumps(event).encode()
        if len(payload) > PAYLOAD_LIMIT:
            return message(413, "Request Entity Too Large")
        # API Gateway gives up after 30 s, the function goes on.
        integration = self._integrations.submit(self._invoke, route.target, payload)
        try:
            outcome = integration.result(INTEGRATION_SECONDS)
        except WaitedTooLong:
            return message(503, "Service Unavailable")
        return server_error() if outcome.failed else from_result(outcome.payload)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    server: HttpApi

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isascii() or not length.isdigit():
            self.close_connection = True
            self._write(message(411, "Length Required"))
        elif int(length) > BODY_LIMIT:
            self.close_connection = True  # the rest of the body is not read
            self._write(message(413, "Request Entity Too Large"))
        else:
            body = self.rfile.read(int(length))
            request = Request(
                self.command,
                self.path,
                self.request_version,
                self.headers.items(),
                body,
                str(self.client_address[0]),
            )
            self._write(self.server.answer(request))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve

    def _write(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the function's log tells of its requests."""
