"""The data plane of the WebSocket API: connections and messages become invocations."""

from __future__ import annotations

import base64
import json
import secrets
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from websockets.datastructures import Headers
from websockets.exceptions import InvalidHeaderFormat
from websockets.frames import CloseCode
from websockets.headers import parse_upgrade
from websockets.http11 import Request as Opening
from websockets.http11 import Response
from websockets.server import ServerProtocol

from infra.local.http_events import Request
from infra.local.runtime_api import Outcome
from infra.local.websocket_connection import Closed, WebSocketConnection, new_protocol
from infra.local.websocket_events import (
    CONNECT,
    DEFAULT,
    DISCONNECT,
    Peer,
    connect_event,
    disconnect_event,
    message_event,
    route_key,
)

PROTOCOL = "WEBSOCKET"
SUCCESS = range(200, 300)
ID_BYTES = 11  # a connection id is base64 of 11 bytes, such as `JC1dgf9yoAMCK-g=`


@dataclass(frozen=True)
class Api:
    """What a WebSocket API is made of.

    Attributes:
        selection: the expression that finds a message's route, `$request.body.action`.
        routes: what each route calls, by its key.
    """

    api_id: str
    stage: str
    selection: str
    routes: Mapping[str, str]


def read_api(gateway: Any) -> Api | None:
    """The one WebSocket API that moto's control plane knows of, if there is one."""
    apis = [each for each in gateway.get_apis()["Items"] if each["ProtocolType"] == PROTOCOL]
    if not apis:
        return None
    api_id = apis[0]["ApiId"]
    uris = {
        each["IntegrationId"]: each["IntegrationUri"]
        for each in gateway.get_integrations(ApiId=api_id)["Items"]
    }
    return Api(
        api_id,
        gateway.get_stages(ApiId=api_id)["Items"][0]["StageName"],
        apis[0]["RouteSelectionExpression"],
        {
            each["RouteKey"]: function_arn(uris[each["Target"].removeprefix("integrations/")])
            for each in gateway.get_routes(ApiId=api_id)["Items"]
        },
    )


def function_arn(uri: str) -> str:
    """The function in `arn:...:lambda:path/2015-03-31/functions/{arn}/invocations`."""
    return uri.partition("/functions/")[2].removesuffix("/invocations")


def wants_websocket(request: Request) -> bool:
    """Whether a request asks to go on as a WebSocket connection."""
    try:
        return any(
            protocol.lower() == "websocket"
            for name, value in request.headers
            if name.lower() == "upgrade"
            for protocol in parse_upgrade(value)
        )
    except InvalidHeaderFormat:
        return False


class WebSocketApi:
    """All open connections, by id."""

    def __init__(self, invoke: Callable[[str, bytes], Outcome]) -> None:
        """Args: invoke gives the function of an ARN an event and waits for it."""
        self._api: Api | None = None
        self._invoke = invoke
        self._lock = threading.Lock()
        self._open: dict[str, WebSocketConnection] = {}

    def serve(self, api: Api) -> None:
        """From now on answer for this API."""
        self._api = api

    def stop(self) -> None:
        """Close every connection."""
        for connection in self._connections():
            connection.close(CloseCode.GOING_AWAY)
            connection.abandon()

    def find(self, connection_id: str) -> WebSocketConnection | None:
        """An open connection."""
        with self._lock:
            return self._open.get(connection_id)

    def run(self, request: Request, sock: socket.socket) -> None:
        """Answer an opening request, then be the connection until it is closed."""
        protocol, api = new_protocol(), self._api
        response = _accept(protocol, request)
        if api is None:
            response = protocol.reject(HTTPStatus.NOT_FOUND, "")
        connection = WebSocketConnection(sock, protocol)
        if api is None or response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            connection.answer(response)
            return
        peer = _peer(request, api)
        status = self._connect(api, request, peer)
        if status != HTTPStatus.OK:
            connection.answer(protocol.reject(status, ""))
        elif connection.answer(response):
            self._talk(api, peer, connection)

    def _connect(self, api: Api, request: Request, peer: Peer) -> HTTPStatus:
        """The status that the function gives an opening request; 200 lets it in."""
        if CONNECT not in api.routes:
            return HTTPStatus.OK
        outcome = self._call(api.routes[CONNECT], connect_event(request, peer, _now()))
        result = None if outcome.failed else json.loads(outcome.payload or b"null")
        status = result.get("statusCode") if isinstance(result, dict) else None
        if not isinstance(status, int) or status not in set(HTTPStatus):
            return HTTPStatus.BAD_GATEWAY
        return HTTPStatus.OK if status in SUCCESS else HTTPStatus(status)

    def _talk(self, api: Api, peer: Peer, connection: WebSocketConnection) -> None:
        with self._lock:
            self._open[peer.connection_id] = connection
        try:
            for text in connection.messages():
                self._message(api, peer, connection, text)
        finally:
            with self._lock:
                del self._open[peer.connection_id]
        if DISCONNECT in api.routes:
            code, reason = connection.close_code, connection.close_reason
            self._call(api.routes[DISCONNECT], disconnect_event(code, reason, peer, _now()))

    def _message(self, api: Api, peer: Peer, connection: WebSocketConnection, text: str) -> None:
        key = route_key(api.selection, text)
        # Those of connections are none that a message could ask for.
        key = key if key in api.routes.keys() - {CONNECT, DISCONNECT} else DEFAULT
        event = message_event(text, key, peer, _now())
        if key not in api.routes:
            problem = "Forbidden"
        elif self._call(api.routes[key], event).failed:
            problem = "Internal server error"
        else:
            return
        request_id = event["requestContext"]["requestId"]
        said = {"message": problem, "connectionId": peer.connection_id, "requestId": request_id}
        try:
            connection.send(json.dumps(said).encode())
        except Closed:
            return

    def _call(self, arn: str, event: Mapping[str, Any]) -> Outcome:
        return self._invoke(arn, json.dumps(event).encode())

    def _connections(self) -> list[WebSocketConnection]:
        with self._lock:
            return list(self._open.values())


def _accept(protocol: ServerProtocol, request: Request) -> Response:
    """What an opening request is answered if nobody objects: the protocol reads it once more."""
    opening = Opening(
        request.target, Headers(request.headers), method=request.method, protocol=request.protocol
    )
    protocol.receive_data(opening.serialize())
    for event in protocol.events_received():
        if isinstance(event, Opening):
            return protocol.accept(event)
    return protocol.reject(HTTPStatus.BAD_REQUEST, "")


def _peer(request: Request, api: Api) -> Peer:
    headers = {name.lower(): value for name, value in request.headers}
    return Peer(
        connection_id=base64.urlsafe_b64encode(secrets.token_bytes(ID_BYTES)).decode(),
        connected_at=_now(),
        source_ip=request.source_ip,
        user_agent=headers.get("user-agent", ""),
        domain=headers.get("host", ""),
        api_id=api.api_id,
        stage=api.stage,
    )


def _now() -> datetime:
    return datetime.now(UTC)
