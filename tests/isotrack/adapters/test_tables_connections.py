"""One contract for the tables in memory and in DynamoDB (moto): connections and watchers."""

from __future__ import annotations

import pytest

from isotrack.calls.connections import Connection
from isotrack.recording.tracks import Call
from tests.builders import CALL, NOON, at
from tests.tables import Tables

OTHER = Call(call_type="default", call_id="lunch")


def connection(
    connection_id: str = "one", user_id: str | None = "alice", lasts: float = 7200
) -> Connection:
    return Connection(
        connection_id=connection_id, user_id=user_id, opened_at=NOON, expires_at=at(lasts)
    )


def test_a_connection_is_known_from_its_opening_to_its_close(tables: Tables) -> None:
    assert tables.connections.get("one") is None
    tables.connections.open(connection())
    assert tables.connections.get("one") == connection()
    for _ in range(2):
        tables.connections.close("one")
        assert tables.connections.get("one") is None
        assert list(tables.connections.of_user("alice")) == []


def test_whose_a_connection_is_may_be_learned_later(tables: Tables) -> None:
    tables.connections.open(connection(user_id=None))
    opened = tables.connections.get("one")
    assert opened is not None
    assert not opened.authenticated
    assert list(tables.connections.of_user("alice")) == []
    tables.connections.open(connection())
    assert tables.connections.get("one") == connection()
    assert list(tables.connections.of_user("alice")) == [connection()]


def test_the_connections_of_a_user_are_theirs_alone(tables: Tables) -> None:
    mine = [connection("one"), connection("two")]
    for each in (*mine, connection("three", "bob"), connection("four", "alice#bob")):
        tables.connections.open(each)
    assert list(tables.connections.of_user("alice")) == mine


def test_a_connection_watches_the_calls_it_was_told_to(tables: Tables) -> None:
    assert list(tables.connections.watchers(CALL)) == []
    for each in (connection("one"), connection("two", "bob")):
        tables.connections.open(each)
        tables.connections.watch(each, [CALL])
    tables.connections.watch(connection("one"), [OTHER, CALL, CALL])
    tables.connections.watch(connection("one"), [])
    assert list(tables.connections.watchers(CALL)) == [connection("one"), connection("two", "bob")]
    assert list(tables.connections.watchers(OTHER)) == [connection("one")]


def test_a_closed_connection_watches_nothing_and_leaves_others_alone(tables: Tables) -> None:
    calls = [Call(call_type="default", call_id=f"call-{n}") for n in range(60)]
    for each in (connection("one"), connection("one#")):
        tables.connections.open(each)
        tables.connections.watch(each, calls)
    tables.connections.close("one")
    assert all(list(tables.connections.watchers(call)) == [connection("one#")] for call in calls)
    assert tables.connections.get("one#") is not None


def test_what_a_connection_watches_is_forgotten_though_it_was_never_opened(tables: Tables) -> None:
    tables.connections.watch(connection(), [CALL])
    tables.connections.close("one")
    assert list(tables.connections.watchers(CALL)) == []


@pytest.mark.parametrize(("lasts", "there"), [(-1, False), (0, False), (0.25, True)])
def test_a_connection_is_forgotten_by_itself_at_its_end(
    tables: Tables, lasts: float, there: bool
) -> None:
    one = connection(lasts=lasts)
    tables.connections.open(one)
    tables.connections.watch(one, [CALL])
    kept = [one] if there else []
    assert tables.connections.get("one") == (one if there else None)
    assert list(tables.connections.watchers(CALL)) == kept
    assert list(tables.connections.of_user("alice")) == kept


def test_a_user_is_a_member_and_connected_without_mixing_the_two(tables: Tables) -> None:
    tables.connections.open(connection())
    tables.members.note_creator(CALL, "alice")
    assert list(tables.connections.of_user("alice")) == [connection()]
    assert tables.members.calls_of("alice", limit=5).items == (CALL,)


@pytest.mark.parametrize("connection_id", ["", "#", "L0SM9cOFvHcCIhw=", "\U0001f600" * 500])
def test_any_connection_id_may_be_asked_for(tables: Tables, connection_id: str) -> None:
    assert tables.connections.get(connection_id) is None
    tables.connections.close(connection_id)
