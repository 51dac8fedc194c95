from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from moto.apigatewaymanagementapi.models import apigatewaymanagementapi_backends
from moto.core import DEFAULT_ACCOUNT_ID

from functions import runtime
from functions.websocket import handler
from infra.local.http_events import Request
from infra.local.websocket_events import Peer, connect_event, disconnect_event, message_event
from isotrack.adapters import tokens
from isotrack.calls.connections import Connection
from isotrack.calls.users import User
from tests.aws import REGION, TABLE
from tests.builders import CALL
from tests.functions.conftest import API_KEY, API_SECRET, Account

CONNECTION_ID = "L0SM9cOFvHcCIhw="
URL = f"wss://abcdef.execute-api.{REGION}.amazonaws.com/video"
ALICE = {"id": "alice", "name": "Alice"}


class Other:
    """Somebody who connects, and hears what is said to them."""

    def __init__(self, context: LambdaContext) -> None:
        self._context = context
        self._peer = Peer(
            CONNECTION_ID, runtime.now(), "192.0.2.1", "browser", "isotrack.test", "api", "video"
        )

    def connects(self, query: str) -> int:
        request = Request("GET", f"/video/connect{query}", "HTTP/1.1", [], b"", "192.0.2.1")
        status: int = self._happens(connect_event(request, self._peer, runtime.now()))["statusCode"]
        return status

    def says(self, message: object, route: str = "$default") -> None:
        text = message if isinstance(message, str) else json.dumps(message)
        event = message_event(text, route, self._peer, runtime.now())
        assert self._happens(event) == {"statusCode": 200}

    def leaves(self) -> None:
        self._happens(disconnect_event(1001, "Going away", self._peer, runtime.now()))

    def shows(self, token: str, details: object = ALICE) -> None:
        self.says({"token": token, "user_details": details, "products": ["video"]})

    def heard(self) -> list[dict[str, Any]]:
        """What was said since this was last asked; nothing of that once they are cut off."""
        connections = apigatewaymanagementapi_backends[DEFAULT_ACCOUNT_ID][REGION].connections
        said = "".join(each.data.decode() for each in connections.values())
        connections.clear()
        decoder, found = json.JSONDecoder(), []
        while said:
            message, end = decoder.raw_decode(said)
            found.append(message)
            said = said[end:]
        return found

    def kept(self) -> Connection | None:
        return runtime.audience(TABLE).connections.get(CONNECTION_ID)

    def _happens(self, event: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = handler(event, self._context)
        return answer


@pytest.fixture
def other(aws: Account, environment: Callable[..., None], context: LambdaContext) -> Other:
    environment(table=TABLE, api_secret_arn=aws.secret_arn, websocket_url=URL)
    return Other(context)


@pytest.fixture
def alice(other: Other) -> Other:
    """One who has shown a good token."""
    other.shows(tokens.user_token(API_SECRET, "alice"))
    assert [each["type"] for each in other.heard()] == ["connection.ok"]
    return other


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (f"?api_key={API_KEY}&stream-auth-type=jwt&X-Stream-Client=js", 200),
        ("?api_key=another", 401),
        ("?api_key=", 401),
        ("?api_key=%C3%BC%00", 401),
        ("", 401),
    ],
)
def test_who_connects_knows_the_api_key(other: Other, query: str, status: int) -> None:
    assert other.connects(query) == status
    assert other.heard() == []


def test_a_user_with_a_good_token_is_let_in_and_told_who_they_are(other: Other) -> None:
    other.shows(tokens.user_token(API_SECRET, "alice"), {**ALICE, "custom": {"color": "red"}})
    [told] = other.heard()
    assert (told["type"], told["connection_id"]) == ("connection.ok", CONNECTION_ID)
    assert told["created_at"].endswith("Z")
    assert {"id": "alice", "name": "Alice", "custom": {"color": "red"}, "role": "user"}.items() <= (
        told["me"].items()
    )
    kept = other.kept()
    assert kept is not None
    assert kept.user_id == "alice"


def test_what_a_call_token_opens_is_kept_with_the_connection(other: Other) -> None:
    token = tokens.user_token(API_SECRET, "alice", call_cids=[CALL.cid], role="host")
    other.shows(token)
    kept = other.kept()
    assert kept is not None
    assert (kept.role, kept.call_cids) == ("host", (CALL.cid,))
    assert kept.token_issued_at is not None


REFUSED = {
    "expired": tokens.user_token(API_SECRET, "alice", expires_in_seconds=-60),
    "of another key": tokens.user_token("x" * 64, "alice"),
    "unsigned": "eyJhbGciOiJub25lIn0.eyJ1c2VyX2lkIjoiYWxpY2UifQ.",
    "a server's": tokens.server_token(API_SECRET),
    "an agent's": tokens.agent_token(API_SECRET, "sfu-1"),
    "somebody else's": tokens.user_token(API_SECRET, "bob"),
    "none": "",
}


@pytest.mark.parametrize("token", REFUSED.values(), ids=REFUSED)
def test_who_has_no_good_token_is_cut_off(other: Other, token: str) -> None:
    other.shows(token)
    assert other.kept() is None
    assert other.heard() == []  # it was told and cut off: moto forgets both together
    assert runtime.audience(TABLE).users.get("alice") is None


HOSTILE = {
    "nothing": "",
    "no JSON": "{",
    "null": "null",
    "NaN": '{"token": NaN}',
    "a health check too early": '[{"type": "health.check"}]',
    "lists of lists": "[" * 5000 + "]" * 5000,
    "too deep": "[" * 60_000,
    "a large number": "9" * 60_000,
    "half a character": '"\\ud800"',
    "another type": '{"token": 5, "user_details": []}',
    "no id": '{"token": "a.b.c", "user_details": {}}',
    "an id of control characters": '{"token": "a.b.c", "user_details": {"id": "\\u0000"}}',
    "a long token": json.dumps({"token": "x" * 100_000, "user_details": ALICE}),
}


@pytest.mark.parametrize("message", HOSTILE.values(), ids=HOSTILE)
def test_whatever_else_comes_first_is_cut_off(other: Other, message: str) -> None:
    other.says(message)
    assert other.kept() is None
    assert other.heard() == []


@pytest.mark.parametrize("message", HOSTILE.values(), ids=HOSTILE)
def test_a_user_who_talks_nonsense_is_told_so_and_stays(alice: Other, message: str) -> None:
    if message == HOSTILE["a health check too early"]:
        message = '[{"type": "something else"}]'
    alice.says(message)
    [told] = alice.heard()
    assert (told["type"], told["connection_id"]) == ("connection.error", CONNECTION_ID)
    error = told["error"]
    assert (error["code"], error["StatusCode"]) == (4, 400)
    assert error["message"].startswith('Connect failed with error: "')
    assert error["duration"].endswith("ms")
    assert "Traceback" not in error["message"]
    assert len(error["message"]) < 1000
    alice.says([{"type": "health.check", "client_id": "alice--1"}])
    assert [each["type"] for each in alice.heard()] == ["health.check"]


def test_a_second_token_changes_nothing(alice: Other) -> None:
    alice.shows(tokens.user_token(API_SECRET, "bob"), {"id": "bob"})
    assert [each["type"] for each in alice.heard()] == ["connection.error"]
    kept = alice.kept()
    assert kept is not None
    assert kept.user_id == "alice"


def test_what_a_message_calls_its_route_means_nothing(alice: Other) -> None:
    alice.says([{"type": "health.check"}], route="$disconnect")
    assert [each["type"] for each in alice.heard()] == ["health.check"]
    assert alice.kept() is not None


def test_a_health_check_is_answered_by_one(alice: Other) -> None:
    alice.says([{"type": "health.check", "client_id": "alice--1"}])
    [told] = alice.heard()
    assert (told["type"], told["connection_id"]) == ("health.check", CONNECTION_ID)


def test_who_leaves_is_forgotten_also_when_told_twice(alice: Other) -> None:
    runtime.audience(TABLE).connections.watch(_kept(alice), [CALL])
    alice.leaves()
    alice.leaves()
    assert alice.kept() is None
    assert runtime.audience(TABLE).connections.watchers(CALL) == []


def test_a_token_that_was_revoked_lets_nobody_in(other: Other) -> None:
    now = runtime.now()
    revoked = now + timedelta(seconds=5)
    runtime.audience(TABLE).users.save(
        User(user_id="alice", created_at=now, updated_at=now, revoke_tokens_issued_before=revoked)
    )
    other.shows(tokens.user_token(API_SECRET, "alice"))
    assert other.kept() is None


def _kept(other: Other) -> Connection:
    kept = other.kept()
    assert kept is not None
    return kept
