"""What a request says: who sent it, about which call, and its body."""

from __future__ import annotations

import base64
import hmac

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from pydantic import ValidationError

from functions.runtime import ApiSecret
from isotrack.adapters.tokens import TokenProblem, Unauthenticated, verify
from isotrack.recording.errors import Invalid
from isotrack.recording.permissions import Caller
from isotrack.recording.tracks import Call
from isotrack.recording.validation import first_problem


def client(event: APIGatewayProxyEventV2, secret: ApiSecret) -> Caller:
    """Who sent a client's request: the API key in its query, the token in its header.

    Raises Unauthenticated.
    """
    api_key = event.query_string_parameters.get("api_key", "")
    if not hmac.compare_digest(api_key.encode(), secret.api_key.encode()):
        problem = "is not known" if api_key else "is missing in the query"
        raise Unauthenticated(TokenProblem.ACCESS_KEY, f"api_key {problem}")
    return bearer(event, secret)


def bearer(event: APIGatewayProxyEventV2, secret: ApiSecret) -> Caller:
    """Who holds the token of a request. Raises Unauthenticated."""
    token = event.headers.get("authorization", "").removeprefix("Bearer ")
    if not token:
        raise Unauthenticated(TokenProblem.INVALID, "the Authorization header is missing")
    return verify(token, secret.api_secret)


def named_call(call_type: str, call_id: str) -> Call:
    """The call that a path names. Raises Invalid, which names the part that is wrong."""
    try:
        return Call(call_type=call_type, call_id=call_id)
    except ValidationError as problem:
        raise Invalid(first_problem(problem)) from problem


def body(event: APIGatewayProxyEventV2) -> bytes:
    """The body of a request; an empty object where there is none."""
    text = event.body or ""
    content = base64.b64decode(text) if event.is_base64_encoded else text.encode()
    return b"{}" if content.strip() in (b"", b"null") else content
