"""What a creator of resources gets and gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.local.intrinsics import TemplateError


@dataclass(frozen=True)
class Environment:
    """Where resources are created.

    Attributes:
        client: a boto3 client of a service, by its name; untyped, as there are many services.
        api_url: where the front door, and behind it the data plane of the HTTP API, answers.
        websocket_url: where the WebSocket API's `@connections` answers.
        websocket_paths: gets the paths on which the front door leads to the WebSocket API.
    """

    stack_name: str
    region: str
    account: str
    client: Callable[[str], Any]
    api_url: str
    websocket_url: str
    websocket_paths: set[str]

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of this account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


@dataclass(frozen=True)
class Resource:
    """Something that exists now: what `Ref` and `Fn::GetAtt` of it give."""

    ref: str
    attributes: Mapping[str, str] = field(default_factory=dict)


class Properties:
    """The properties of one resource, each to be taken or ignored by name, so that none is lost."""

    def __init__(self, kind: str, logical_id: str, values: Mapping[str, Any]) -> None:
        self.kind = kind
        self.logical_id = logical_id
        self._values = dict(values)

    def take(self, name: str, default: Any = None) -> Any:
        """The value of an optional property."""
        return self._values.pop(name, default)

    def require(self, name: str) -> Any:
        """The value of a property that must be there."""
        if name not in self._values:
            raise TemplateError(f"{self} has no {name}")
        return self._values.pop(name)

    def only(self, name: str, *allowed: Any) -> None:
        """Take a property of which the local stack knows some values only, or its absence."""
        value = self._values.pop(name, None)
        if value is not None and value not in allowed:
            raise TemplateError(f"{self} has {name} {value!r}; emulated: {', '.join(allowed)}")

    def among(self, *names: str) -> dict[str, Any]:
        """Those of these optional properties that are there, as they are."""
        return {name: self._values.pop(name) for name in names if name in self._values}

    def ignore(self, *names: str) -> None:
        """Drop properties that have no effect on one machine."""
        for name in names:
            self._values.pop(name, None)

    def done(self) -> None:
        """Raise TemplateError if a property is left that nobody asked for."""
        if self._values:
            left = ", ".join(sorted(self._values))
            raise TemplateError(f"{self} has properties that are not emulated: {left}")

    def __str__(self) -> str:
        return f"{self.kind} {self.logical_id}"


Creator = Callable[[Environment, Properties], Resource]


def physical_name(environment: Environment, logical_id: str, limit: int) -> str:
    """A name of at most `limit` characters; the same for the same template, as CDK's ids are."""
    return f"{environment.stack_name}-{logical_id}"[-limit:].lstrip("-")
