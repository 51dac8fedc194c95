from __future__ import annotations

from datetime import timedelta
from typing import Any

from isotrack.calls.permissions import Caller
from isotrack.contract.websocket import ConnectedEvent, ConnectUserDetailsRequest
from isotrack.control.connect import connect
from tests.audiences import audience_of
from tests.builders import at
from tests.worlds import MemoryWorld

CONNECTION_ID = "L0SM9cOFvHcCIhw="


def let_in(memory: MemoryWorld, caller: Caller | None = None, **details: Any) -> ConnectedEvent:
    return connect(
        caller or Caller(user_id="alice"),
        ConnectUserDetailsRequest.model_validate({"id": "alice", **details}),
        connection_id=CONNECTION_ID,
        opened_at=at(1),
        audience=audience_of(memory),
        now=at(2),
    )


def test_a_user_nobody_heard_of_is_made_as_they_describe_themselves() -> None:
    memory = MemoryWorld()
    told = let_in(memory, name="Alice", image="https://a/b.png", custom={"color": "red"})
    user = memory.users.users["alice"]
    assert (user.name, user.image, user.custom) == ("Alice", "https://a/b.png", {"color": "red"})
    assert user.role == "user"
    assert (told.type, told.connection_id, told.created_at) == (
        "connection.ok",
        CONNECTION_ID,
        at(2),
    )
    assert (told.me.id, told.me.name, told.me.custom) == ("alice", "Alice", {"color": "red"})
    assert told.me.online
    assert told.me.last_active == at(2)


def test_what_a_user_leaves_out_stays_as_it_was() -> None:
    memory = MemoryWorld()
    memory.user("alice", name="Alice", image="old", custom={"a": 1}, role="host", teams=("red",))
    told = let_in(memory, image="new")
    assert (told.me.name, told.me.image, told.me.custom) == ("Alice", "new", {"a": 1})
    assert (told.me.role, told.me.teams) == ("host", ("red",))


def test_a_user_cannot_give_themselves_a_role_or_a_team() -> None:
    memory = MemoryWorld()
    told = let_in(memory, role="admin", teams=["red"], revoke_tokens_issued_before=None)
    assert (told.me.role, told.me.teams) == ("user", ())


def test_a_user_of_whom_nothing_is_new_is_not_written() -> None:
    memory = MemoryWorld()
    memory.user("alice", name="Alice")
    before = memory.users.users["alice"]
    let_in(memory, name="Alice")
    assert memory.users.users["alice"] == before


def test_the_connection_is_kept_with_what_the_token_said() -> None:
    memory = MemoryWorld()
    caller = Caller(user_id="alice", role="host", call_cids=("default:a",), issued_at=at(0))
    let_in(memory, caller)
    kept = memory.connections.connections[CONNECTION_ID]
    assert kept.authenticated
    assert kept.caller == caller
    assert kept.opened_at == at(1)


def test_a_connection_is_forgotten_when_api_gateway_has_closed_it_for_sure() -> None:
    memory = MemoryWorld()
    let_in(memory)
    kept = memory.connections.connections[CONNECTION_ID]
    assert timedelta(hours=2) < kept.expires_at - kept.opened_at < timedelta(hours=3)
