"""The data plane of the HTTP API, which moto does not have: requests become invocations."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as WaitedTooLong
from dataclasses import dataclass
from datetime import UTC, datetime
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

PROTOCOL = "HTTP"
INTEGRATION_SECONDS = 30.0
REQUESTS_AT_ONCE = 32


@dataclass(frozen=True)
class Api:
    """What an HTTP API is made of."""

    api_id: str
    routes: Sequence[Route]


def read_api(gateway: Any) -> Api | None:
    """The one HTTP API that moto's control plane knows of, if there is one."""
    apis = [each for each in gateway.get_apis()["Items"] if each["ProtocolType"] == PROTOCOL]
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


class HttpApi:
    """Answers requests; with 404 until it has an API."""

    def __init__(self, invoke: Callable[[str, bytes], Outcome]) -> None:
        """Args: invoke gives the function of an ARN an event and waits for it."""
        self._api: Api | None = None
        self._invoke = invoke
        self._integrations = ThreadPoolExecutor(REQUESTS_AT_ONCE, thread_name_prefix="http-api")

    def serve(self, api: Api) -> None:
        """From now on answer for this API."""
        self._api = api

    def stop(self) -> None:
        """Wait for no function any more."""
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
