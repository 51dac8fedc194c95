"""The routes of the operations: requests find their operation, and an answer whatever happens."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, CORSConfig, Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from functions import request
from functions.answers import (
    INPUT_ERROR,
    INTERNAL_ERROR,
    NOT_FOUND,
    Refusal,
    answer,
    envelope,
    refusal,
)
from functions.asking import Asked
from functions.operations import Asking, Operation
from functions.runtime import logger

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
CLIENT_HEADERS = [
    "Authorization",
    "Content-Type",
    "Stream-Auth-Type",
    "X-Stream-Client",
    "X-Client-Request-Id",
]
PREFLIGHT_SECONDS = 7200
"""How long a browser need not ask again; none remembers longer than Chromium, two hours."""

Ask = Callable[[APIGatewayProxyEventV2, Asking], Asked]


class Resolver(APIGatewayHttpResolver):
    """Routes by paths whose parameters may hold any character but a slash.

    Ids are checked by the models, which say what is wrong with them; Powertools' own pattern
    would say that there is no such route.
    """

    @staticmethod
    def _compile_regex(rule: str, base_regex: str = "") -> re.Pattern[str]:  # noqa: ARG004
        parts = re.split(r"<(\w+)>", rule)
        pattern = "".join(
            f"(?P<{part}>[^/]+)" if number % 2 else re.escape(part)
            for number, part in enumerate(parts)
        )
        return re.compile(rf"{pattern}\Z", re.DOTALL)


def resolver(operations: Iterable[Operation], ask: Ask) -> Resolver:
    """Routes to all operations.

    Args:
        operations: what can be asked for.
        ask: finds out who asks. Raises Unauthenticated, Forbidden or Transient.
    """
    app = Resolver(cors=CORSConfig(allow_headers=CLIENT_HEADERS, max_age=PREFLIGHT_SECONDS))
    by_path: defaultdict[str, dict[str, Operation]] = defaultdict(dict)
    for operation in operations:
        for prefix in operation.prefixes:
            methods = by_path[prefix + operation.path]
            if operation.method in methods:
                raise TypeError(f"{operation.method} {operation.path} is declared twice")
            methods[operation.method] = operation
    for path, methods in by_path.items():
        rule = path.replace("{", "<").replace("}", ">")
        app.route(rule, method=METHODS)(_route(app, methods, ask))
    app.not_found(lambda _error: _no_route(app.current_event))
    app.exception_handler(Exception)(_failed)
    return app


def _route(
    app: Resolver, methods: Mapping[str, Operation], ask: Ask
) -> Callable[..., Response[str]]:
    def route(**path: str) -> Response[str]:
        started, event = time.perf_counter(), app.current_event
        operation = methods.get(event.http_method)
        if operation is None:
            return _no_method(event, methods, started)
        try:
            taken = _taken(operation, path, event, ask(event, operation.asking))
            done = operation.run(**taken)
        except Refusal as error:
            return refusal(operation.name, error, started=started)
        return answer(operation.status, done, started=started, path=event.path)

    return route


def _taken(
    operation: Operation, path: Mapping[str, str], event: APIGatewayProxyEventV2, asked: Asked
) -> dict[str, Any]:
    taken: dict[str, Any] = {"asked": asked}
    if operation.path_model is not None:
        taken["path"] = request.parameters(operation.path_model, path)
    if operation.query_model is not None:
        query = dict(event.query_string_parameters)
        if asked.caller.user_id is not None:
            query.pop("user_id", None)  # says who asks, in every request of the browser's client
        taken["query"] = request.parameters(operation.query_model, query)
    if operation.body_model is not None:
        taken["body"] = request.body(operation.body_model, event)
    return taken


def _no_route(event: APIGatewayProxyEventV2) -> Response[str]:
    message = f"there is no {event.http_method} {event.path}"
    return envelope(NOT_FOUND, 404, message, started=time.perf_counter())


def _no_method(
    event: APIGatewayProxyEventV2, methods: Mapping[str, Operation], started: float
) -> Response[str]:
    allowed = ", ".join(sorted(methods))
    message = f"{event.path} takes {allowed}, not {event.http_method}"
    refused = envelope(INPUT_ERROR, 405, message, started=started)
    refused.headers["Allow"] = allowed
    return refused


def _failed(_error: Exception) -> Response[str]:
    # The one who asks is told nothing of what went wrong inside; the log has it all.
    logger.exception("failed")
    return envelope(
        INTERNAL_ERROR, 500, "something went wrong on our side", started=time.perf_counter()
    )
