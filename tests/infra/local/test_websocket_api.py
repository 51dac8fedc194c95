from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from infra.local import address
from infra.local.stack import LocalStack
from infra.local.websocket_connection import FRAME_LIMIT, MESSAGE_LIMIT

SHOUT = '{"action": "shout"}'
WAIT_SECONDS = 30


@pytest.fixture
def url(stack: LocalStack) -> str:
    return stack.api_url.replace("http", "ws", 1) + "/connect"


@pytest.fixture
def socket(url: str) -> Iterator[ClientConnection]:
    with connect(url, proxy=None, compression=None) as opened:
        yield opened


@pytest.fixture
def connections(stack: LocalStack) -> Any:
    """The `@connections` API, under the path of the stage."""
    return address.client("apigatewaymanagementapi", f"{stack.endpoint}/stage")


def heard(socket: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(socket.recv(WAIT_SECONDS))
    return message


def own_id(socket: ClientConnection) -> str:
    socket.send(SHOUT)
    return str(heard(socket)["requestContext"]["connectionId"])


def refusal(url: str, **options: Any) -> int:
    with pytest.raises(InvalidStatus) as refused, connect(url, proxy=None, **options):
        pass
    return refused.value.response.status_code


def closed_with(socket: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        socket.recv(WAIT_SECONDS)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def test_a_message_reaches_the_function_of_its_route_as_api_gateway_tells_it(socket):
    socket.send('{"action": "shout", "umlaut": "\\u00fc"}')
    event = heard(socket)
    context = event["requestContext"]
    assert (event["body"], event["isBase64Encoded"]) == (
        '{"action": "shout", "umlaut": "\\u00fc"}',
        False,
    )
    assert (context["routeKey"], context["eventType"]) == ("shout", "MESSAGE")
    assert (context["stage"], context["messageDirection"]) == ("stage", "IN")
    assert context["connectedAt"] <= context["requestTimeEpoch"]
    assert re.fullmatch(r"[\w-]{15}=", context["connectionId"])


@pytest.mark.parametrize(
    "message",
    [
        '{"action": "whisper"}',
        "no json",
        "[]",
        '{"action": ["shout"]}',
        '{"action": "$disconnect"}',
    ],
)
def test_a_message_without_a_route_is_answered_by_the_gateway_itself(socket, message):
    socket.send(message)
    assert heard(socket)["message"] == "Forbidden"
    assert own_id(socket)


def test_a_function_that_fails_breaks_no_connection(stack, url):
    with connect(url, proxy=None) as socket:
        socket.send('{"action": "shout", "fail": true}')
        answer = heard(socket)
        assert answer.keys() == {"message", "connectionId", "requestId"}
        assert answer["message"] == "Internal server error"
        assert own_id(socket) == answer["connectionId"]


@pytest.mark.parametrize(
    ("told", "answered"), [("401", 401), ("403", 403), ("599", 502), ("x", 502)]
)
def test_the_function_may_refuse_a_connection(url, told, answered):
    assert refusal(f"{url}?status={told}") == answered


def test_an_opening_request_that_is_none_is_refused(url):
    assert refusal(url, additional_headers={"Sec-WebSocket-Version": "8"}) == 400


def test_requests_and_connections_share_one_port_and_are_told_apart(stack, url, socket):
    assert stack.outputs["ApiUrl"] == stack.api_url
    with httpx.Client(base_url=stack.api_url, trust_env=False, timeout=WAIT_SECONDS) as http:
        assert http.get("/connect").json()["rawPath"] == "/connect"
    assert refusal(url.replace("/connect", "/elsewhere")) == 200


def test_anybody_who_knows_its_id_sends_to_a_connection(socket, connections):
    connections.post_to_connection(ConnectionId=own_id(socket), Data='{"n": "\u00fc"}'.encode())
    assert heard(socket) == {"n": "\u00fc"}


def test_a_long_message_comes_in_frames_that_api_gateway_would_send(socket, connections):
    text = "\u00fc" * (MESSAGE_LIMIT // 2)
    connections.post_to_connection(ConnectionId=own_id(socket), Data=text.encode())
    parts = list(socket.recv_streaming())
    assert "".join(map(str, parts)) == text
    assert len(parts) == MESSAGE_LIMIT // FRAME_LIMIT


def test_a_message_above_128_kib_is_not_sent(socket, connections):
    with pytest.raises(ClientError) as refused:
        connections.post_to_connection(ConnectionId=own_id(socket), Data=b"x" * (MESSAGE_LIMIT + 1))
    assert refused.value.response["Error"]["Code"] == "PayloadTooLargeException"


def test_a_connection_can_be_closed_from_this_side_and_is_gone_then(socket, connections):
    connection_id = own_id(socket)
    connections.delete_connection(ConnectionId=connection_id)
    assert closed_with(socket) == 1000
    with pytest.raises(ClientError) as refused:
        connections.post_to_connection(ConnectionId=connection_id, Data=b"{}")
    assert refused.value.response["Error"]["Code"] == "GoneException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 410


def test_a_connection_that_never_was_is_gone(connections):
    with pytest.raises(connections.exceptions.GoneException):
        connections.delete_connection(ConnectionId="L0SM9cOFvHcCIhw=")


def test_a_request_for_a_connection_that_is_not_signed_for_it_is_none(stack, socket):
    with httpx.Client(trust_env=False) as http:
        answer = http.post(f"{stack.endpoint}/stage/@connections/{own_id(socket)}", content="{}")
    assert answer.status_code >= 400
    assert own_id(socket)


@pytest.mark.parametrize(
    ("send", "code"),
    [
        (lambda socket: socket.send("x" * (FRAME_LIMIT + 1)), 1009),
        (lambda socket: socket.send(["x" * FRAME_LIMIT] * 5), 1009),
        (lambda socket: socket.send(b"binary"), 1003),
        (lambda socket: socket.send(b"\xff", text=True), 1007),
    ],
    ids=["frame", "message", "binary", "no UTF-8"],
)
def test_what_api_gateway_does_not_take_closes_the_connection(
    socket: ClientConnection, send: Callable[[ClientConnection], None], code: int
) -> None:
    with suppress(ConnectionClosed):  # which may come before all is sent
        send(socket)
    assert closed_with(socket) == code


def test_a_message_in_frames_is_one_message(socket):
    socket.send(['{"action"', ': "sh', 'out"}'])
    assert heard(socket)["body"] == SHOUT


def test_the_function_hears_how_a_connection_ended(stack, url, eventually):
    with connect(url, proxy=None) as socket:
        connection_id = own_id(socket)
        socket.close(4321, "enough")
    told = kept(stack, connection_id, eventually)
    assert told["eventType"] == "DISCONNECT"
    assert (told["disconnectStatusCode"], told["disconnectReason"]) == (4321, "enough")


def test_the_function_hears_of_a_connection_that_was_cut(stack, url, eventually):
    with connect(url, proxy=None) as socket:
        connection_id = own_id(socket)
        socket.socket.shutdown(2)
        assert kept(stack, connection_id, eventually)["disconnectStatusCode"] == 1006


def kept(stack: LocalStack, connection_id: str, eventually: Any) -> dict[str, Any]:
    """What the function wrote down of the end of a connection."""
    s3 = stack.client("s3")

    def read() -> dict[str, Any] | None:
        try:
            body = s3.get_object(Bucket=stack.resources["Results"], Key=f"ended/{connection_id}")[
                "Body"
            ]
        except s3.exceptions.NoSuchKey:
            return None
        told: dict[str, Any] = json.loads(body.read())
        return told

    found: dict[str, Any] = eventually(read)
    return found
