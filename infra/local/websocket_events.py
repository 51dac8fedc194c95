"""WebSocket connections and messages as a function sees them, and which route they take.

Reference: API Gateway Developer Guide, "WebSocket API mapping template reference" and "Working with
routes for WebSocket APIs".
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from infra.local.http_events import Request

CONNECT, DEFAULT, DISCONNECT = "$connect", "$default", "$disconnect"
SELECTION = re.compile(r"\$request\.body\.([\w.]+)")


@dataclass(frozen=True)
class Peer:
    """Who is at the other end of a connection.

    Attributes:
        domain: the host of the API as the client named it.
    """

    connection_id: str
    connected_at: datetime
    source_ip: str
    user_agent: str
    domain: str
    api_id: str
    stage: str


def route_key(expression: str, text: str) -> str:
    """The key by which a route is looked for; empty where the message does not say."""
    found = SELECTION.fullmatch(expression)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    for step in found[1].split(".") if found else ():
        value = value.get(step) if isinstance(value, dict) else None
    return value if found and isinstance(value, str) else ""


def connect_event(request: Request, peer: Peer, now: datetime) -> dict[str, Any]:
    """The event of an opening request."""
    headers = _lists(request.headers)
    query = _lists(parse_qsl(urlsplit(request.target).query, keep_blank_values=True))
    event = {
        "headers": _last(headers),
        "multiValueHeaders": headers,
        "requestContext": _context(peer, now, CONNECT, "CONNECT"),
        "isBase64Encoded": False,
    }
    if query:
        event |= {"queryStringParameters": _last(query), "multiValueQueryStringParameters": query}
    return event


def message_event(text: str, route: str, peer: Peer, now: datetime) -> dict[str, Any]:
    """The event of a message."""
    context = _context(peer, now, route, "MESSAGE") | {"messageId": _token()}
    return {"requestContext": context, "body": text, "isBase64Encoded": False}


def disconnect_event(code: int, reason: str, peer: Peer, now: datetime) -> dict[str, Any]:
    """The event of a connection that is closed."""
    headers = {"Host": peer.domain, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
    context = _context(peer, now, DISCONNECT, "DISCONNECT")
    return {
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "requestContext": context | {"disconnectStatusCode": code, "disconnectReason": reason},
        "isBase64Encoded": False,
    }


def _context(peer: Peer, now: datetime, route: str, kind: str) -> dict[str, Any]:
    request_id = _token()
    return {
        "routeKey": route,
        "eventType": kind,
        "extendedRequestId": request_id,
        "requestTime": now.astimezone(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "messageDirection": "IN",
        "stage": peer.stage,
        "connectedAt": round(peer.connected_at.timestamp() * 1000),
        "requestTimeEpoch": round(now.timestamp() * 1000),
        "identity": {"userAgent": peer.user_agent, "sourceIp": peer.source_ip},
        "requestId": request_id,
        "domainName": peer.domain,
        "connectionId": peer.connection_id,
        "apiId": peer.api_id,
    }


def _token() -> str:
    return uuid.uuid4().hex[:15] + "="


def _lists(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {}
    for name, value in pairs:
        lists.setdefault(name, []).append(value)
    return lists


def _last(lists: Mapping[str, list[str]]) -> dict[str, str]:
    return {name: values[-1] for name, values in lists.items()}
