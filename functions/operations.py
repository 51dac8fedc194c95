"""The operations of the HTTP API, declared beside the functions that do them.

What the API is follows from these declarations: the routes (`functions.resolver`) and the
description of them (`events.openapi`), so that the two cannot differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple, TypeVar, get_type_hints

from pydantic import BaseModel

F = TypeVar("F", bound=Callable[..., BaseModel])

SERVER_PREFIX = "/api/v2"
"""Of what server libraries ask for: the answers hold times in nanoseconds."""
CLIENT_PREFIX = "/video"
"""Of what client libraries ask for: the answers hold times as RFC 3339."""
VIDEO_PREFIXES = (f"{SERVER_PREFIX}/video", CLIENT_PREFIX)
"""Of what both ask for."""

_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")


class Asking(StrEnum):
    """Who may ask for an operation at all; what a user may, the verb decides."""

    CLIENTS = "clients"
    """Users and servers, with the API key."""
    SERVERS = "servers"
    """Servers only, with the API key."""
    AGENTS = "agents"
    """Capture agents, each for itself."""


class Operation(NamedTuple):
    """One operation behind all its prefixes."""

    name: str
    """As errors name it: `StartRecording failed with error: "..."`."""
    method: str
    prefixes: Sequence[str]
    path: str
    """After the prefix; `{name}` is a field of `path_model`."""
    status: int
    """HTTP status of success."""
    asking: Asking
    run: Callable[..., BaseModel]
    answer: type[BaseModel]
    path_model: type[BaseModel] | None
    query_model: type[BaseModel] | None
    body_model: type[BaseModel] | None

    @property
    def summary(self) -> str:
        """What it does, in one sentence."""
        return (self.run.__doc__ or "").strip().partition("\n")[0]


class Operations:
    """Operations behind the same prefixes."""

    def __init__(self, *prefixes: str, asking: Asking = Asking.CLIENTS) -> None:
        """Declare nothing yet.

        Args:
            prefixes: of the paths; each leads to the same.
            asking: who may ask, where an operation does not say.
        """
        self.declared: list[Operation] = []
        self._prefixes = prefixes
        self._asking = asking

    def get(
        self, name: str, path: str, status: int = 200, *, asking: Asking | None = None
    ) -> Callable[[F], F]:
        """Declare a function to be an operation of method GET; so do the others of their method.

        Its parameters `path`, `query` and `body` are the models of what it takes, its result the
        model of what it answers; `asked` is who asks and when (`functions.request.Asked`).
        """
        return self._declare("GET", name, path, status, asking)

    def post(
        self, name: str, path: str, status: int = 201, *, asking: Asking | None = None
    ) -> Callable[[F], F]:
        """Declare a POST."""
        return self._declare("POST", name, path, status, asking)

    def put(
        self, name: str, path: str, status: int = 201, *, asking: Asking | None = None
    ) -> Callable[[F], F]:
        """Declare a PUT."""
        return self._declare("PUT", name, path, status, asking)

    def patch(
        self, name: str, path: str, status: int = 200, *, asking: Asking | None = None
    ) -> Callable[[F], F]:
        """Declare a PATCH."""
        return self._declare("PATCH", name, path, status, asking)

    def delete(
        self, name: str, path: str, status: int = 200, *, asking: Asking | None = None
    ) -> Callable[[F], F]:
        """Declare a DELETE."""
        return self._declare("DELETE", name, path, status, asking)

    def _declare(
        self, method: str, name: str, path: str, status: int, asking: Asking | None
    ) -> Callable[[F], F]:
        def declare(function: F) -> F:
            hints: dict[str, Any] = get_type_hints(function)
            operation = Operation(
                name=name,
                method=method,
                prefixes=self._prefixes,
                path=path,
                status=status,
                asking=asking or self._asking,
                run=function,
                answer=hints["return"],
                path_model=hints.get("path"),
                query_model=hints.get("query"),
                body_model=hints.get("body"),
            )
            _check_path(operation)
            self.declared.append(operation)
            return function

        return declare


def _check_path(operation: Operation) -> None:
    fields = operation.path_model.model_fields if operation.path_model is not None else {}
    placeholders = set(_PLACEHOLDER.findall(operation.path))
    if placeholders != set(fields):
        raise TypeError(
            f"operation {operation.name}: path {operation.path} has the parameters "
            f"{sorted(placeholders)}, its model {sorted(fields)}"
        )
