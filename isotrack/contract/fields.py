"""Kinds of field that many requests and answers have."""

from __future__ import annotations

import json
from typing import Annotated, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    JsonValue,
    StringConstraints,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

T = TypeVar("T")

MAX_CUSTOM_BYTES = 5 * 1024
"""Of the JSON of one `custom` object, as the compatible API has it."""
MAX_PAGE = 100
"""Items that a page holds at most."""


class _NeverNull:
    """Says in the JSON Schema that a field is its type or left out, but not null."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        written = handler(schema)
        if handler.mode == "validation":
            return written  # null is taken
        kinds = [kind for kind in written.get("anyOf", ()) if kind != {"type": "null"}]
        return kinds[0] if len(kinds) == 1 else written


def _is_none(value: object) -> bool:
    return value is None


Maybe = Annotated[T | None, Field(exclude_if=_is_none), _NeverNull()]
"""A field of an answer that is left out when there is nothing to say, as clients expect of it."""


Off = Annotated[Literal[False], BeforeValidator(lambda _: False)]
"""Answered as off whatever was asked for, since we do not do it."""
Disabled = Annotated[Literal["disabled"], BeforeValidator(lambda _: "disabled")]
"""The mode of what we do not do, whatever was asked for."""


def at_most(limit: int) -> AfterValidator:
    """A bound on how many bytes a value takes as JSON, so that what keeps it can hold it."""

    def check(value: T) -> T:
        try:
            size = len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode())
        except ValueError:  # NaN, infinity, or half a surrogate pair
            raise ValueError("has numbers or characters that JSON cannot say") from None
        if size > limit:
            raise ValueError(f"may take {limit} bytes as JSON, this takes {size}")
        return value

    return AfterValidator(check)


Custom = Annotated[dict[str, JsonValue], at_most(MAX_CUSTOM_BYTES)]
"""What an application keeps with a thing for itself."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^\w[\w.-]*$")]
"""Of a role, a call type, a team."""

Limit = Annotated[int, Field(ge=0, le=MAX_PAGE)]
"""Items wanted on a page; 0 leaves it to us, as None does."""

PageToken = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
"""`next` of the page before, as it was given."""
