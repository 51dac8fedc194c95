"""Moments as our JSON writes and reads them: RFC 3339, or nanoseconds since the Unix epoch.

Which of the two is written, the one who writes says: `model_dump_json()` gives RFC 3339, and
`model_dump_json(context=NANOSECONDS)` integers, as server libraries of the compatible API expect.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    GetJsonSchemaHandler,
    PlainSerializer,
    SerializationInfo,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
NANOSECONDS: Final[Mapping[str, str]] = {"times": "nanoseconds"}
"""The serialization context in which moments are written as integers."""


def rfc3339(moment: datetime) -> str:
    """A moment in UTC with microseconds and `Z` (RFC 3339 section 5.6)."""
    # isoformat, since strftime("%Y") writes the year 999 in three digits.
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def nanoseconds(moment: datetime) -> int:
    """A moment in nanoseconds since the Unix epoch, exact to the microsecond it was kept to."""
    return (moment - EPOCH) // MICROSECOND * 1000


_WANTED = "a moment is an ISO 8601 string or integer nanoseconds"


def _read(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return EPOCH + MICROSECOND * (value // 1000)
        except OverflowError:
            raise ValueError("the moment lies outside of the years 1 to 9999") from None
    if isinstance(value, float):
        raise ValueError(_WANTED)  # noqa: TRY004 - a refusal of pydantic is a ValueError
    if not isinstance(value, str):
        return value
    # Read here and not by pydantic, which would take a number in a string for seconds or
    # milliseconds, and no string at all where a whole body is read strictly.
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(_WANTED) from None


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("the moment lies outside of the years 1 to 9999") from None


def _written(moment: datetime, chosen: SerializationInfo[Any]) -> str | int:
    context = chosen.context
    if isinstance(context, Mapping) and context.get("times") == NANOSECONDS["times"]:
        return nanoseconds(moment)
    return rfc3339(moment)


class _AsJsonSchema:
    """Moments in JSON Schema: strings as they are written, and integers too where they are read."""

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        text = {"type": "string", "format": "date-time"}
        if handler.mode == "serialization":
            return text
        limits = {"minimum": nanoseconds(EARLIEST), "maximum": nanoseconds(LATEST)}
        return {"anyOf": [text, {"type": "integer", **limits}]}


Timestamp = Annotated[
    AwareDatetime,
    BeforeValidator(_read),
    AfterValidator(_in_utc),
    PlainSerializer(_written, return_type=str | int, when_used="json"),
    _AsJsonSchema(),
]
"""A moment in UTC, with a time zone where it is read."""
