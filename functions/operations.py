"""One operation of the HTTP API: run, timed, and answered in the API's own words."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from aws_lambda_powertools.event_handler import Response, content_types
from pydantic import BaseModel

from functions.contract import APIError, Timed
from functions.runtime import logger
from isotrack.adapters.tokens import Unauthenticated
from isotrack.recording.errors import Conflict, Forbidden, Invalid, Missing, Rejected, Transient

P = ParamSpec("P")
B = TypeVar("B", bound=BaseModel)

INTERNAL_ERROR = -1
INPUT_ERROR = 4
NOT_FOUND = 16
NOT_ALLOWED = 17

_REFUSALS: Final[Mapping[type[Rejected], tuple[int, int]]] = {
    Invalid: (INPUT_ERROR, 400),
    Conflict: (INPUT_ERROR, 400),
    Forbidden: (NOT_ALLOWED, 403),
    Missing: (NOT_FOUND, 404),
}
"""Code and HTTP status of each."""


def operation(name: str, status: int) -> Callable[[Callable[P, B]], Callable[P, Response[str]]]:
    """Make a function that gives a body, or refuses, an operation of the API.

    Args:
        name: as errors name it: `StartRecording failed with error: "..."`.
        status: HTTP status of success.
    """

    def decorate(function: Callable[P, B]) -> Callable[P, Response[str]]:
        @wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> Response[str]:
            started = time.perf_counter()
            try:
                return answer(status, function(*args, **kwargs), started)
            except Rejected as error:
                code, refused = _REFUSALS[type(error)]
                return _failed(name, code, refused, error, started)
            except Unauthenticated as error:
                return _failed(name, error.problem, 401, error, started)
            except Transient as error:
                return _failed(name, INTERNAL_ERROR, 503, error, started)

        return run

    return decorate


def refusal(code: int, status: int, message: str, started: float) -> Response[str]:
    """The error envelope as an answer."""
    return answer(status, APIError(code=code, StatusCode=status, message=message), started)


def answer(status: int, body: BaseModel, started: float) -> Response[str]:
    """A JSON answer to a request that came in at a reading of `time.perf_counter`."""
    if isinstance(body, Timed):
        elapsed_ms = (time.perf_counter() - started) * 1000
        body = body.model_copy(update={"duration": f"{elapsed_ms:.2f}ms"})
    return Response(
        status_code=status, content_type=content_types.APPLICATION_JSON, body=body.model_dump_json()
    )


def _failed(name: str, code: int, status: int, error: Exception, started: float) -> Response[str]:
    logger.info("refused", operation=name, code=code, status=status, reason=str(error))
    return refusal(code, status, f'{name} failed with error: "{error}"', started)
