from __future__ import annotations

from typing import Any

import pytest

from isotrack.calls.connections import Connection
from isotrack.calls.permissions import Caller
from isotrack.calls.records import CallRecord
from isotrack.contract.calls import QueryCallsRequest, QueryCallsResponse
from isotrack.control.query_calls import query_calls
from isotrack.control.watching import NotConnected
from isotrack.recording.errors import Invalid
from isotrack.recording.tracks import Call
from tests.builders import NOON, at
from tests.worlds import SERVER, MemoryWorld

ALICE, BOB, CAROL = (Caller(user_id=name) for name in ("alice", "bob", "carol"))


def call(call_id: str) -> Call:
    return Call(call_type="default", call_id=call_id)


@pytest.fixture
def memory() -> MemoryWorld:
    """With calls a (alice's), b (alice's, bob is a member), c (bob's, carol is a member)."""
    memory = MemoryWorld()
    for name in ("alice", "bob", "carol"):
        memory.user(name)
    memory.create(ALICE, call=call("a"))
    memory.create(ALICE, call=call("b"), members=[{"user_id": "bob"}])
    memory.create(BOB, call=call("c"), members=[{"user_id": "carol", "role": "host"}])
    memory.connections.open(
        Connection(connection_id="c-bob", user_id="bob", opened_at=NOON, expires_at=at(7200))
    )
    return memory


def query(
    memory: MemoryWorld, caller: Caller, connection_id: str | None = None, **fields: Any
) -> QueryCallsResponse:
    request = QueryCallsRequest.model_validate(fields)
    return query_calls(request, caller=caller, connection_id=connection_id, world=memory.world)


def found(answer: QueryCallsResponse) -> list[str]:
    return [each.call.id for each in answer.calls]


ALL = {"cid": {"$in": ["default:c", "default:b", "default:a", "default:never"]}}


@pytest.mark.parametrize(
    ("caller", "visible"),
    [(SERVER, ["a", "b", "c"]), (ALICE, ["a", "b"]), (BOB, ["b", "c"]), (CAROL, ["c"])],
)
def test_everybody_finds_the_calls_they_may_read(
    memory: MemoryWorld, caller: Caller, visible: list[str]
) -> None:
    assert found(query(memory, caller, filter_conditions=ALL)) == visible


def test_each_call_is_shown_as_to_somebody_who_gets_it(memory: MemoryWorld) -> None:
    (state,) = query(memory, CAROL, filter_conditions=ALL).calls
    assert "start-individual-record-call" in state.own_capabilities
    assert [member.user_id for member in state.members] == ["carol"]
    assert state.membership is not None
    assert state.call.created_by.id == "bob"


def test_calls_are_found_by_member_and_by_creator(memory: MemoryWorld) -> None:
    members = {"members": {"$in": ["bob"]}}
    assert found(query(memory, SERVER, filter_conditions=members)) == ["b"]
    creator = {"created_by_user_id": "bob"}
    assert found(query(memory, SERVER, filter_conditions=creator)) == ["c"]
    both = {"members": "bob", "created_by_user_id": {"$eq": "alice"}}
    assert found(query(memory, SERVER, filter_conditions=both)) == ["b"]
    neither = {"members": "bob", "created_by_user_id": "carol"}
    assert found(query(memory, SERVER, filter_conditions=neither)) == []


def test_asking_for_somebody_elses_calls_shows_those_one_may_read(memory: MemoryWorld) -> None:
    assert found(query(memory, BOB, filter_conditions={"created_by_user_id": "alice"})) == ["b"]


def test_a_user_who_asks_for_nothing_is_given_their_own(memory: MemoryWorld) -> None:
    assert found(query(memory, BOB)) == ["b", "c"]


def test_a_server_has_to_ask_for_something(memory: MemoryWorld) -> None:
    with pytest.raises(Invalid, match="one of cid, members, created_by_user_id is needed"):
        query(memory, SERVER)


def test_calls_come_page_by_page(memory: MemoryWorld) -> None:
    for asked in (ALL, {"members": "bob"}, {}):
        pages, after = [], None
        for _ in range(4):
            answer = query(memory, BOB, filter_conditions=asked, limit=1, next=after)
            pages += found(answer)
            after = answer.next
            if after is None:
                break
        assert pages == found(query(memory, BOB, filter_conditions=asked))
        assert after is None


def test_calls_nobody_created_are_not_found(memory: MemoryWorld) -> None:
    memory.calls.save(CallRecord(call=call("never")))
    assert found(query(memory, SERVER, filter_conditions={"cid": "default:never"})) == []


def test_calls_of_a_type_that_was_removed_are_not_found(memory: MemoryWorld) -> None:
    memory.call_type("webinar")
    memory.create(call=Call(call_type="webinar", call_id="1"))
    memory.call_types.delete("webinar")
    assert found(query(memory, SERVER, filter_conditions={"cid": "webinar:1"})) == []


def test_calls_found_are_watched_if_that_is_asked_for(memory: MemoryWorld) -> None:
    query(memory, BOB, "c-bob", filter_conditions=ALL)
    assert memory.connections.watched == {}
    query(memory, BOB, "c-bob", filter_conditions=ALL, watch=True)
    watched = {each for each, by in memory.connections.watched.items() if "c-bob" in by}
    assert watched == {call("b"), call("c")}


def test_a_connection_of_somebody_else_is_refused(memory: MemoryWorld) -> None:
    with pytest.raises(NotConnected):
        query(memory, ALICE, "c-bob", filter_conditions=ALL, watch=True)
    assert memory.connections.watched == {}


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"filter_conditions": {"starts_at": "x"}}, "only cid, created_by_user_id, members"),
        ({"filter_conditions": {"cid": "standup"}}, r"filter_conditions\.cid: 'standup'"),
        ({"filter_conditions": {"cid": "default:a\x00b"}}, r"filter_conditions\.cid"),
        ({"filter_conditions": {"members": {"$in": ["a", "b"]}}}, "one user at a time"),
        ({"filter_conditions": {"members": {"$in": []}}}, "filter_conditions"),
        ({"sort": [{"field": "starts_at"}]}, "only cid"),
        ({"prev": "x"}, "prev: "),
    ],
)
def test_what_is_not_supported_is_refused_by_name(
    memory: MemoryWorld, fields: dict[str, Any], problem: str
) -> None:
    with pytest.raises(Invalid, match=problem):
        query(memory, SERVER, **fields)
