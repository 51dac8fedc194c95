"""Answers of the HTTP API: their times by prefix, how long they took, and the error envelope."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Final

from aws_lambda_powertools.event_handler import Response, content_types
from pydantic import BaseModel

from functions.operations import SERVER_PREFIX
from functions.request import TooLarge
from functions.runtime import logger
from isotrack.adapters.tokens import Unauthenticated
from isotrack.contract.errors import APIError
from isotrack.contract.times import NANOSECONDS, Timed
from isotrack.control.watching import NotConnected
from isotrack.recording.errors import (
    Conflict,
    Forbidden,
    Invalid,
    Missing,
    Rejected,
    Transient,
)

INTERNAL_ERROR = -1
INPUT_ERROR = 4
NOT_FOUND = 16
NOT_ALLOWED = 17
TOO_LARGE = 22
NO_CONNECTION = 46

Refusal = (Rejected, Transient, Unauthenticated, TooLarge)
"""Why an operation was not done, without anybody's surprise."""

_REFUSALS: Final[Mapping[type[Exception], tuple[int, int]]] = {
    Invalid: (INPUT_ERROR, 400),
    Conflict: (INPUT_ERROR, 400),
    Forbidden: (NOT_ALLOWED, 403),
    Missing: (NOT_FOUND, 404),
    NotConnected: (NO_CONNECTION, 400),
    Rejected: (INPUT_ERROR, 400),
    TooLarge: (TOO_LARGE, 413),
    Transient: (INTERNAL_ERROR, 503),
}
"""Code and HTTP status of each; of others, those of the class they derive from."""
_NAMED_FIELD: Final = re.compile(r"([A-Za-z_][\w.-]*): (.+)", re.DOTALL)


def answer(status: int, body: BaseModel, *, started: float, path: str = "") -> Response[str]:
    """A JSON answer.

    Args:
        status: HTTP status.
        body: what is answered.
        started: when the request came in, a reading of `time.perf_counter`.
        path: of the request; its prefix says how times are written.
    """
    if isinstance(body, Timed):
        elapsed_ms = (time.perf_counter() - started) * 1000
        body = body.model_copy(update={"duration": f"{elapsed_ms:.2f}ms"})
    context = NANOSECONDS if path.startswith(f"{SERVER_PREFIX}/") else None
    return Response(
        status_code=status,
        content_type=content_types.APPLICATION_JSON,
        body=body.model_dump_json(context=context),
    )


def refusal(operation: str, error: Exception, *, started: float) -> Response[str]:
    """The answer to a request for an operation that was not done."""
    problem = api_error(operation, error)
    return answer(problem.StatusCode, problem, started=started)


def api_error(operation: str, error: Exception) -> APIError:
    """The envelope of what kept an operation from being done."""
    if isinstance(error, Unauthenticated):
        code, status = error.problem.value, 401
    else:
        kind = next(kind for kind in type(error).__mro__ if kind in _REFUSALS)
        code, status = _REFUSALS[kind]
    logger.info("refused", operation=operation, code=code, status=status, reason=str(error))
    return APIError(
        code=code,
        StatusCode=status,
        message=f'{operation} failed with error: "{error}"',
        exception_fields=dict(_fields(error)),
    )


def envelope(code: int, status: int, message: str, *, started: float) -> Response[str]:
    """The error envelope.

    Args:
        code: what kind of error it is, finer than the HTTP status.
        status: HTTP status.
        message: the whole of it in one sentence.
        started: when the request came in, a reading of `time.perf_counter`.
    """
    error = APIError(code=code, StatusCode=status, message=message, exception_fields={})
    return answer(status, error, started=started)


def _fields(error: Exception) -> Mapping[str, str]:
    if not isinstance(error, Invalid):
        return {}
    # Verbs name the field in front of the message, as validation does.
    named = _NAMED_FIELD.fullmatch(str(error))
    return error.fields or ({named[1]: named[2]} if named else {})
