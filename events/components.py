"""The schemas of the OpenAPI description: of what is taken, and of what is answered.

Answers are described twice where they hold moments: with RFC 3339 strings as client libraries get
them, and with integers of nanoseconds, `...Nanoseconds`, as server libraries do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from events.json_schemas import Generated

Schema = dict[str, Any]

PREFIX: Final = "#/components/schemas/"
SUFFIX: Final = "Nanoseconds"
MOMENT: Final = {"type": "string", "format": "date-time"}
NANOSECONDS: Final = {
    "type": "integer",
    "format": "int64",
    "description": "Nanoseconds since the Unix epoch.",
}


class Components:
    """Schemas of models, and where each model's own is."""

    def __init__(
        self, taken: Iterable[type[BaseModel]], answered: Iterable[type[BaseModel]]
    ) -> None:
        modes: list[tuple[type[BaseModel], JsonSchemaMode]] = [
            *((model, "validation") for model in _by_name(taken)),
            *((model, "serialization") for model in _by_name(answered)),
        ]
        references, made = models_json_schema(
            modes, ref_template=PREFIX + "{model}", schema_generator=Generated
        )
        self._references: Mapping[Any, Schema] = references
        """By model and mode."""
        schemas: dict[str, Schema] = made["$defs"]
        self._timed = _with_moments(schemas)
        variants = {
            name + SUFFIX: self._in_nanoseconds(schemas[name])
            for model in _by_name(answered)
            for name in _reachable(_target(references[model, "serialization"]), schemas)
            if name in self._timed
        }
        self.schemas = dict(sorted({**schemas, **variants}.items()))

    def taken(self, model: type[BaseModel]) -> Schema:
        """Where the schema of a request is."""
        return self._references[model, "validation"]

    def answered(self, model: type[BaseModel], *, nanoseconds: bool) -> Schema:
        """Where the schema of an answer is, with moments as integers or as strings."""
        reference = self._references[model, "serialization"]
        written: Schema = self._in_nanoseconds(reference) if nanoseconds else reference
        return written

    def _in_nanoseconds(self, part: Any) -> Any:
        if isinstance(part, list):
            return [self._in_nanoseconds(each) for each in part]
        if not isinstance(part, dict):
            return part
        if MOMENT.items() <= part.items():
            return {**part, **NANOSECONDS, "description": _described(part)}
        if (target := _target(part)) in self._timed:
            return {**part, "$ref": PREFIX + target + SUFFIX}
        return {name: self._in_nanoseconds(each) for name, each in part.items()}


def _by_name(models: Iterable[type[BaseModel]]) -> list[type[BaseModel]]:
    return sorted(set(models), key=lambda model: model.__name__)


def _target(part: Mapping[str, Any]) -> str:
    return str(part.get("$ref", "")).removeprefix(PREFIX)


def _described(moment: Schema) -> str:
    own = moment.get("description", "")
    return f"{own} {NANOSECONDS['description']}".strip()


def _references(part: Any) -> set[str]:
    """The schemas that a part of one refers to."""
    if isinstance(part, list):
        return set().union(*map(_references, part))
    if not isinstance(part, dict):
        return set()
    own = {target} if isinstance(part.get("$ref"), str) and (target := _target(part)) else set()
    return own.union(*map(_references, part.values()))


def _reachable(name: str, schemas: Mapping[str, Schema]) -> set[str]:
    found, waiting = set(), [name]
    while waiting:
        if (each := waiting.pop()) not in found:
            found.add(each)
            waiting.extend(_references(schemas[each]))
    return found


def _with_moments(schemas: Mapping[str, Schema]) -> set[str]:
    own = {name for name, schema in schemas.items() if _has_moment(schema)}
    return {name for name in schemas if _reachable(name, schemas) & own}


def _has_moment(part: Any) -> bool:
    if isinstance(part, list):
        return any(map(_has_moment, part))
    if not isinstance(part, dict):
        return False
    return MOMENT.items() <= part.items() or any(map(_has_moment, part.values()))
