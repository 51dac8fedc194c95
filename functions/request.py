"""What a request says: its path, its query and its body, as the models of an operation."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final, TypeVar

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from isotrack.recording.errors import Invalid
from isotrack.recording.validation import invalid

M = TypeVar("M", bound=BaseModel)

BODY_LIMIT: Final = 1024 * 1024
"""Bytes; a report of an agent with some thousand participants is half of it."""


class TooLarge(Exception):
    """The body of a request is larger than the API takes."""


def parameters(model: type[M], values: Mapping[str, str]) -> M:
    """The parameters of a path or a query. Raises Invalid, which names them."""
    try:
        return model.model_validate_strings(dict(values))
    except ValidationError as error:
        raise invalid(error) from error


def body(model: type[M], event: APIGatewayProxyEventV2) -> M:
    """The body of a request, an empty object where there is none.

    Raises:
        Invalid: it is not what the model says, or not JSON at all; it names the fields.
        TooLarge: it is.
    """
    return parsed(model, _content(event))


def parsed(model: type[M], content: str | bytes) -> M:
    """What a sender says in JSON. Raises Invalid, which names the fields."""
    try:
        # RFC 8259 has no NaN; pydantic takes it where a model leaves the type of a value open.
        from_json(content, allow_inf_nan=False)
    except ValueError as error:
        raise Invalid(f"body: Invalid JSON: {error}") from error
    try:
        return model.model_validate_json(content, strict=True)
    except ValidationError as error:
        raise invalid(error) from error


def _content(event: APIGatewayProxyEventV2) -> bytes:
    content = _bytes(event)
    if len(content) > BODY_LIMIT:
        raise TooLarge(f"the body has {len(content)} bytes, {BODY_LIMIT} are taken")
    if content.strip() in (b"", b"null"):
        return b"{}"
    declared = event.headers.get("content-type", "application/json")
    kind = declared.partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Invalid(f"content-type: the body must be application/json, not {kind!r}")
    return content


def _bytes(event: APIGatewayProxyEventV2) -> bytes:
    text = event.body or ""
    if not event.is_base64_encoded:
        return text.encode()
    try:
        return base64.b64decode(text)
    except binascii.Error as error:
        raise Invalid("body: it is not base64") from error
