"""Users connected over WebSocket hear of their calls, and of no others: all of it as deployed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from infra.local.stack import LocalStack
from isotrack.adapters import tokens

WAIT_SECONDS = 60
CALL = "/video/call/default/standup"
HEALTH_CHECK = '[{"type": "health.check", "client_id": "alice--1"}]'


class Browser:
    """A user's client: it connects, shows its token, and asks over HTTP as the one connected."""

    def __init__(self, stack: LocalStack, socket: ClientConnection, user_id: str) -> None:
        self._stack, self._socket, self._user_id = stack, socket, user_id
        self.token = tokens.user_token(stack.credentials.api_secret, user_id)

    def show(self, token: str) -> dict[str, Any]:
        self.say(json.dumps({"token": token, "user_details": {"id": self._user_id}}))
        return self.hear()

    def say(self, message: str) -> None:
        self._socket.send(message)

    def hear(self) -> dict[str, Any]:
        heard: dict[str, Any] = json.loads(self._socket.recv(WAIT_SECONDS))
        return heard

    def hear_of(self, kind: str) -> dict[str, Any]:
        """The next event of a type, whatever comes before it."""
        while (heard := self.hear())["type"] != kind:
            pass
        return heard

    def watch(self, connection_id: str) -> int:
        """The HTTP status of a request for the call in the name of a connection."""
        query = {"connection_id": connection_id, "user_id": self._user_id}
        return ask(self._stack, "GET", CALL, self.token, query=query).status_code


def ask(
    stack: LocalStack,
    method: str,
    path: str,
    token: str,
    body: object = None,
    *,
    query: dict[str, str] | None = None,
) -> httpx.Response:
    with httpx.Client(base_url=stack.api_url, trust_env=False, timeout=WAIT_SECONDS) as http:
        return http.request(
            method,
            path,
            params={"api_key": stack.credentials.api_key, **(query or {})},
            headers={"Authorization": token, "stream-auth-type": "jwt"},
            json=body,
        )


def address(stack: LocalStack, **query: str) -> str:
    """Where the browser's client connects: the base URL it was given, and `/connect`."""
    base = stack.outputs["ApiUrl"].replace("http", "ws", 1)
    return str(httpx.URL(f"{base}/video/connect", params=query))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with LocalStack(folder=tmp_path_factory.mktemp("websocket")) as running:
        yield running
        assert running.failures() == []


@pytest.fixture
def browser(stack: LocalStack) -> Iterator[Callable[[str], Browser]]:
    with ExitStack() as opened:

        def open_one(user_id: str) -> Browser:
            url = address(stack, api_key=stack.credentials.api_key, **{"stream-auth-type": "jwt"})
            return Browser(stack, opened.enter_context(connect(url, proxy=None)), user_id)

        yield open_one


@pytest.fixture(scope="module")
def change(stack: LocalStack) -> Callable[[int], None]:
    """Change the call, which alice created and bob is a member of."""
    server = tokens.server_token(stack.credentials.api_secret)
    users = {name: {"id": name} for name in ("alice", "bob", "carol")}
    assert ask(stack, "POST", "/api/v2/users", server, {"users": users}).status_code == 201
    data = {"created_by_id": "alice", "members": [{"user_id": "bob"}]}
    made = ask(stack, "POST", f"/api/v2{CALL}", server, {"data": data})
    assert made.status_code == 201

    def patch(number: int) -> None:
        body = {"custom": {"number": number}}
        changed = ask(stack, "PATCH", f"/api/v2{CALL}", server, body)
        assert changed.status_code == 200

    return patch


def test_whoever_does_not_know_the_api_key_cannot_connect(stack: LocalStack) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(address(stack, api_key="x"), proxy=None):
        pass
    assert refused.value.response.status_code == 401


def test_a_watcher_hears_of_the_call_and_who_may_not_read_it_does_not(
    browser: Callable[[str], Browser], change: Callable[[int], None]
) -> None:
    bob, carol = browser("bob"), browser("carol")
    connected = [each.show(each.token) for each in (bob, carol)]
    assert [each["type"] for each in connected] == ["connection.ok"] * 2
    of_bob, of_carol = (each["connection_id"] for each in connected)
    assert bob.watch(of_bob) == 200
    assert carol.watch(of_carol) == 403
    assert carol.watch(of_bob) in (400, 403)
    change(1)
    while (heard := bob.hear_of("call.updated"))["call"]["custom"] != {"number": 1}:
        pass
    assert heard["call_cid"] == "default:standup"
    assert heard["created_at"].endswith("Z")
    assert isinstance(heard["call"]["created_at"], str)
    carol.say(HEALTH_CHECK)
    assert carol.hear()["type"] == "health.check"  # and nothing was said before


def test_nobody_hears_of_a_call_before_they_have_shown_a_token(
    browser: Callable[[str], Browser], change: Callable[[int], None]
) -> None:
    bob, silent = browser("bob"), browser("bob")
    assert bob.watch(bob.show(bob.token)["connection_id"]) == 200
    change(2)
    while bob.hear_of("call.updated")["call"]["custom"] != {"number": 2}:
        pass
    assert silent.show(silent.token)["type"] == "connection.ok"  # the first that it hears


def test_an_expired_token_is_told_apart_so_that_the_client_gets_a_new_one(
    stack: LocalStack, browser: Callable[[str], Browser]
) -> None:
    alice = browser("alice")
    secret = stack.credentials.api_secret
    told = alice.show(tokens.user_token(secret, "alice", expires_in_seconds=-60))
    assert told["type"] == "connection.error"
    assert (told["error"]["code"], told["error"]["StatusCode"]) == (40, 401)
    assert told["error"]["message"] == 'Connect failed with error: "the token has expired"'
    with pytest.raises(ConnectionClosed):
        alice.hear()


@pytest.mark.parametrize("message", ["", "{", "[" * 30_000, '{"token": 1}', HEALTH_CHECK])
def test_whoever_says_something_else_first_is_told_so_and_cut_off(
    browser: Callable[[str], Browser], message: str
) -> None:
    hostile = browser("alice")
    hostile.say(message)
    told = hostile.hear()
    assert (told["type"], told["error"]["code"]) == ("connection.error", 4)
    with pytest.raises(ConnectionClosed):
        hostile.hear()


def test_a_user_may_say_that_they_are_there_as_often_as_they_like(
    browser: Callable[[str], Browser],
) -> None:
    alice = browser("alice")
    connection_id = alice.show(alice.token)["connection_id"]
    for _ in range(3):
        alice.say(HEALTH_CHECK)
        heard = alice.hear()
        assert (heard["type"], heard["connection_id"]) == ("health.check", connection_id)
