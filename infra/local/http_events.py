"""HTTP requests and responses as a function sees them: payload format 2.0.

Reference: API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs".
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

ACCOUNT = "anonymous"
TEXT_TYPES = re.compile(
    r"text/.*|application/(json|xml|javascript|x-www-form-urlencoded)|.*\+(json|xml)"
)
# Set by whoever writes the response on the wire.
CONNECTION_HEADERS = {"connection", "content-length", "transfer-encoding"}


@dataclass(frozen=True)
class Request:
    """A request as it came over the wire."""

    method: str
    target: str
    protocol: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    source_ip: str

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


@dataclass(frozen=True)
class Response:
    """A response to be written."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


@dataclass(frozen=True)
class Route:
    """A route of an HTTP API and where it leads.

    Attributes:
        key: `METHOD /path/{name}`, `ANY /{rest+}`, or `$default`.
        target: what the integration calls.
    """

    key: str
    target: str

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """The path parameters, decoded, if the route takes this request."""
        if self.key == "$default":
            return {}
        wanted, _, pattern = self.key.partition(" ")
        if wanted not in ("ANY", method):
            return None
        segments, parts = pattern.strip("/").split("/"), path.strip("/").split("/")
        if segments[-1].endswith("+}"):
            rest = "/".join(parts[len(segments) - 1 :])
            if not rest:
                return None
            parts = [*parts[: len(segments) - 1], rest]
        if len(parts) != len(segments):
            return None
        found = {}
        for segment, part in zip(segments, parts, strict=True):
            if segment.startswith("{"):
                found[segment.strip("{+}")] = unquote(part)
            elif segment != part:
                return None
        return found

    @property
    def rank(self) -> tuple[bool, bool, int, bool]:
        """Sorts the most specific first: full match, greedy, `$default`; a method before ANY."""
        return (
            self.key == "$default",
            "+}" in self.key,
            self.key.count("{"),
            self.key.startswith("ANY "),
        )


def find(routes: Iterable[Route], request: Request) -> tuple[Route, dict[str, str]] | None:
    """The route of a request, and its path parameters."""
    for route in sorted(routes, key=lambda each: each.rank):
        parameters = route.match(request.method, request.path)
        if parameters is not None:
            return route, parameters
    return None


def to_event(
    request: Request,
    route: Route,
    parameters: Mapping[str, str],
    *,
    api_id: str,
    request_id: str,
    received: datetime,
) -> dict[str, Any]:
    """The event of a request."""
    target = urlsplit(request.target)
    headers = _merge((name.lower(), value) for name, value in request.headers)
    cookies = headers.pop("cookie", None)
    path = unquote(target.path)  # HTTP APIs decode it, REST APIs and function URLs do not
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": path,
        "rawQueryString": target.query,
        "headers": headers,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": api_id,
            "domainName": headers.get("host", ""),
            "domainPrefix": api_id,
            "http": _context_of_http(request, path, headers),
            "requestId": request_id,
            "routeKey": route.key,
            "stage": "$default",
            "time": received.astimezone(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": round(received.timestamp() * 1000),
        },
        "isBase64Encoded": False,
    }
    if cookies:
        event["cookies"] = [each.strip() for each in cookies.split(";")]
    if query := _merge(parse_qsl(target.query, keep_blank_values=True)):
        event["queryStringParameters"] = query
    if parameters:
        event["pathParameters"] = dict(parameters)
    if request.body:
        event.update(_body(request.body, headers.get("content-type", "")))
    return event


def _context_of_http(request: Request, path: str, headers: Mapping[str, str]) -> dict[str, str]:
    return {
        "method": request.method,
        "path": path,
        "protocol": request.protocol,
        "sourceIp": request.source_ip,
        "userAgent": headers.get("user-agent", ""),
    }


def _merge(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Values of the same name are joined by commas."""
    merged: dict[str, str] = {}
    for name, value in pairs:
        merged[name] = f"{merged[name]},{value}" if name in merged else value
    return merged


def _body(body: bytes, content_type: str) -> dict[str, Any]:
    kind = content_type.partition(";")[0].strip().lower()
    if TEXT_TYPES.fullmatch(kind):
        try:
            return {"body": body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass  # whatever it says it is, it is not text
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def from_result(payload: bytes) -> Response:
    """The response that a function's result stands for.

    Without `statusCode` the whole result is the body of a 200 of JSON. What is no response at all
    is a 500, as on AWS.
    """
    result = json.loads(payload or b"null")
    if not isinstance(result, dict) or "statusCode" not in result:
        text = result if isinstance(result, str) else json.dumps(result)
        return Response(200, [("content-type", "application/json")], text.encode())
    try:
        return _structured(result)
    except (AttributeError, TypeError, ValueError, binascii.Error):
        return server_error()


def _structured(result: Mapping[str, Any]) -> Response:
    body = result.get("body") or ""
    encoded = result.get("isBase64Encoded", False)
    headers = [
        (str(name).lower(), str(value)) for name, value in (result.get("headers") or {}).items()
    ]
    headers = [each for each in headers if each[0] not in CONNECTION_HEADERS]
    if not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", "text/plain; charset=utf-8"))
    headers += [("set-cookie", str(cookie)) for cookie in result.get("cookies") or []]
    return Response(
        int(result["statusCode"]),
        headers,
        base64.b64decode(body, validate=True) if encoded else body.encode(),
    )


def message(status: int, text: str) -> Response:
    """What API Gateway itself answers."""
    body = json.dumps({"message": text}, separators=(",", ":")).encode()
    return Response(status, [("content-type", "application/json")], body)


def server_error() -> Response:
    """The function failed, or answered something that is no response."""
    return message(500, "Internal Server Error")
