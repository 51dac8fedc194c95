"""Values in items: one attribute, `body`, has the value as JSON.

So a value comes back as it went in, whatever an application put into `custom`: DynamoDB's own maps
know neither floats, nor numbers of more than 38 digits, nor more than 32 levels. What conditions,
updates and the index need are attributes beside it.
"""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel

from isotrack.adapters.dynamodb import Fields
from isotrack.recording.validation import stored

M = TypeVar("M", bound=BaseModel)


def body(value: BaseModel) -> dict[str, object]:
    """The attribute that holds a value."""
    return {"body": value.model_dump_json()}


def value_of(model: type[M], fields: Fields, place: str) -> M:
    """The value an item holds. Raises CorruptInput, naming place and field, if it is none."""
    return stored(model, str(fields.get("body", "")), f"item {place}")
