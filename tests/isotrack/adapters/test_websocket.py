"""One contract for both; the adapter speaks to the `@connections` of the local stack."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import pytest
from botocore.stub import Stubber
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from werkzeug.exceptions import NotFound
from werkzeug.serving import make_server

from infra.local import address
from infra.local.connections_api import ConnectionsApi
from infra.local.front_door import FrontDoor
from infra.local.http_api import HttpApi
from infra.local.runtime_api import Outcome
from infra.local.websocket_api import Api, WebSocketApi
from isotrack.adapters.websocket import ApiGatewayConnections, management_url
from isotrack.control.ports import Connections, Gone
from isotrack.recording.errors import Transient
from tests.twins.connections import MemoryConnections

WAIT_SECONDS = 30
UNKNOWN = "L0SM9cOFvHcCIhw="


class Sides(NamedTuple):
    """Both sides of connections: ours by id, and what somebody at the other end hears."""

    ours: Connections
    open: Callable[[], str]
    """Connect; the connection's id."""
    heard: Callable[[str], list[str]]
    """What was said to a connection until it was closed."""


@contextmanager
def in_memory() -> Iterator[Sides]:
    connections, ids = MemoryConnections(), (f"connection-{number}" for number in range(10))
    yield Sides(connections, lambda: next(ids), connections.messages)


@contextmanager
def in_api_gateway() -> Iterator[Sides]:
    opened: queue.Queue[str] = queue.Queue()

    def invoke(_arn: str, event: bytes) -> Outcome:
        opened.put(event.decode())
        return Outcome(b'{"statusCode": 200}')

    api, http = WebSocketApi(invoke), HttpApi(invoke)
    api.serve(Api("api", "video", "$request.body.action", {"$default": "arn"}))
    door = FrontDoor(0, http, api)
    door.websocket_paths.add("/connect")
    server = make_server("127.0.0.1", 0, ConnectionsApi(api, NotFound()), threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    client = address.client(
        "apigatewaymanagementapi", management_url(f"ws://127.0.0.1:{server.server_port}/video")
    )
    with ExitStack() as stack:
        for stop in (server.server_close, server.shutdown, http.stop, api.stop, door.stop):
            stack.callback(stop)
        sockets = {}

        def open_one() -> str:
            url = door.url.replace("http", "ws", 1) + "/connect"
            socket = stack.enter_context(connect(url, proxy=None))
            socket.send("{}")
            connection_id = opened.get(timeout=WAIT_SECONDS).partition('"connectionId": "')[2][:16]
            sockets[connection_id] = socket
            return connection_id

        def heard(connection_id: str) -> list[str]:
            messages = []
            try:
                while True:
                    messages.append(str(sockets[connection_id].recv(WAIT_SECONDS)))
            except ConnectionClosed:
                return messages

        yield Sides(ApiGatewayConnections(client), open_one, heard)


@pytest.fixture(params=[in_memory, in_api_gateway])
def sides(request: pytest.FixtureRequest) -> Iterator[Sides]:
    with request.param() as made:
        yield made


def test_messages_arrive_in_order_at_the_connection_they_are_sent_to(sides: Sides) -> None:
    one, other = sides.open(), sides.open()
    for number in range(3):
        sides.ours.send(one, f'{{"n": {number}, "umlaut": "\u00fc"}}')
    sides.ours.send(other, "to the other")
    sides.ours.close(one)
    sides.ours.close(other)
    assert sides.heard(one) == [f'{{"n": {number}, "umlaut": "\u00fc"}}' for number in range(3)]
    assert sides.heard(other) == ["to the other"]


def test_nothing_can_be_sent_to_a_connection_that_is_closed(sides: Sides) -> None:
    one = sides.open()
    sides.ours.close(one)
    sides.heard(one)
    with pytest.raises(Gone):
        sides.ours.send(one, "late")


def test_a_connection_may_be_closed_twice(sides: Sides) -> None:
    one = sides.open()
    sides.ours.close(one)
    sides.ours.close(one)
    assert sides.heard(one) == []


def test_to_close_a_connection_that_never_was_is_nothing(sides: Sides) -> None:
    sides.ours.close(UNKNOWN)


@pytest.mark.parametrize(
    ("code", "status"), [("LimitExceededException", 429), ("InternalServerError", 500)]
)
def test_a_busy_gateway_is_transient_and_the_connection_named(code: str, status: int) -> None:
    client = address.client("apigatewaymanagementapi", "http://127.0.0.1:9/video")
    connections = ApiGatewayConnections(client)
    with Stubber(client) as stub:
        stub.add_client_error("post_to_connection", code, http_status_code=status)
        stub.add_client_error("delete_connection", code, http_status_code=status)
        with pytest.raises(Transient, match=f"send to connection {UNKNOWN}"):
            connections.send(UNKNOWN, "{}")
        with pytest.raises(Transient, match=f"close connection {UNKNOWN}"):
            connections.close(UNKNOWN)


@pytest.mark.parametrize(
    ("clients", "ours"),
    [
        ("wss://a.execute-api.us-east-1.amazonaws.com/video", "https://a.execute-api."),
        ("ws://127.0.0.1:5566/video", "http://127.0.0.1:5566/video"),
    ],
)
def test_connections_are_managed_where_clients_connect_to(clients: str, ours: str) -> None:
    assert management_url(clients).startswith(ours)
