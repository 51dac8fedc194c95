from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.uri import parse_uri

from infra.local.websocket_connection import Closed, WebSocketConnection, new_protocol


class Client:
    """The other side: the protocol on a socket, driven by the test step by step."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._protocol = ClientProtocol(parse_uri("ws://localhost/"))
        self._protocol.send_request(self._protocol.connect())
        self.opening = b"".join(self._protocol.data_to_send())

    def receive(self) -> list[Frame]:
        self._protocol.receive_data(self._socket.recv(65536))
        events = self._protocol.events_received()
        return [event for event in events if isinstance(event, Frame)]

    def flush(self) -> None:
        for block in self._protocol.data_to_send():
            self._socket.sendall(block) if block else self._socket.shutdown(socket.SHUT_WR)


def opened(sock: socket.socket, client: Client, **limits: float) -> WebSocketConnection:
    protocol = new_protocol()
    protocol.receive_data(client.opening)
    [request] = protocol.events_received()
    assert isinstance(request, Request)
    connection = WebSocketConnection(sock, protocol, **limits)
    assert connection.answer(protocol.accept(request))
    return connection


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    theirs.settimeout(30)
    with ours, theirs:
        yield ours, theirs


@pytest.mark.parametrize("limit", ["idle_seconds", "lifetime_seconds"])
def test_a_connection_that_is_idle_or_old_is_closed_as_going_away(pair, limit):
    ours, theirs = pair
    client = Client(theirs)
    connection = opened(ours, client, **{limit: 0.01})
    reader = threading.Thread(target=lambda: list(connection.messages()))
    reader.start()
    frames = client.receive()
    while not frames:
        frames = client.receive()
    assert (frames[0].opcode, frames[0].data[:2]) == (Opcode.CLOSE, (1001).to_bytes(2, "big"))
    client.flush()
    reader.join(30)
    assert not reader.is_alive()
    assert (connection.close_code, connection.close_reason) == (1001, "Going away")


def test_nothing_can_be_sent_to_a_connection_that_is_closing_or_gone(pair):
    ours, theirs = pair
    connection = opened(ours, Client(theirs))
    theirs.close()
    assert list(connection.messages()) == []
    with pytest.raises(Closed):
        connection.send(b"late")
    connection.close(1000)
    connection.abandon()
