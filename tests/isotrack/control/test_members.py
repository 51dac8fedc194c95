from __future__ import annotations

from typing import Any

import pytest

from isotrack.calls.permissions import Caller
from isotrack.contract.events import (
    CallMemberAddedEvent,
    CallMemberRemovedEvent,
    CallMemberUpdatedEvent,
)
from isotrack.contract.members import (
    QueryCallMembersRequest,
    QueryCallMembersResponse,
    UpdateCallMembersRequest,
    UpdateCallMembersResponse,
)
from isotrack.control.query_members import query_members
from isotrack.control.update_members import update_members
from isotrack.recording.errors import Forbidden, Invalid, Missing, Transient
from isotrack.recording.tracks import Call
from tests.builders import CALL, at
from tests.worlds import SERVER, MemoryWorld

BOB = Caller(user_id="bob")


@pytest.fixture
def memory() -> MemoryWorld:
    """With a call of alice's, of which bob is a member and carol and dora are not."""
    memory = MemoryWorld()
    for name in ("bob", "carol", "dora"):
        memory.user(name)
    memory.create(members=[{"user_id": "bob"}])
    memory.bus.events.clear()
    return memory


def update(
    memory: MemoryWorld, caller: Caller = SERVER, call: Call = CALL, **fields: Any
) -> UpdateCallMembersResponse:
    request = UpdateCallMembersRequest.model_validate(fields)
    return update_members(call, request, caller=caller, world=memory.world, now=at(60))


def query(memory: MemoryWorld, caller: Caller = SERVER, **fields: Any) -> QueryCallMembersResponse:
    request = QueryCallMembersRequest.model_validate({"type": "default", "id": "standup", **fields})
    return query_members(request, caller=caller, world=memory.world)


def names(answer: QueryCallMembersResponse | UpdateCallMembersResponse) -> list[str]:
    return [member.user_id for member in answer.members]


def test_members_are_added_and_told(memory: MemoryWorld) -> None:
    answer = update(memory, update_members=[{"user_id": "carol", "role": "host"}])
    assert [(m.user_id, m.role, m.created_at) for m in answer.members] == [
        ("carol", "host", at(60))
    ]
    assert names(query(memory)) == ["bob", "carol"]
    (event,) = memory.bus.events
    assert isinstance(event, CallMemberAddedEvent)
    assert [(m.user_id, m.role) for m in event.members] == [("carol", "host")]


def test_what_a_change_leaves_out_stays(memory: MemoryWorld) -> None:
    update(memory, update_members=[{"user_id": "bob", "role": "host", "custom": {"seat": 1}}])
    (member,) = update(memory, update_members=[{"user_id": "bob", "custom": {"seat": 2}}]).members
    assert (member.role, member.custom) == ("host", {"seat": 2})
    assert memory.bus.types == ["call.member_updated"] * 2
    assert isinstance(memory.bus.events[-1], CallMemberUpdatedEvent)


def test_members_are_removed_and_told(memory: MemoryWorld) -> None:
    assert update(memory, remove_members=["bob"]).members == ()
    assert names(query(memory)) == []
    (event,) = memory.bus.events
    assert isinstance(event, CallMemberRemovedEvent)
    assert event.members == ("bob",)


def test_who_was_removed_sees_the_call_no_more(memory: MemoryWorld) -> None:
    assert names(query(memory, BOB)) == ["bob"]
    update(memory, remove_members=["bob"])
    with pytest.raises(Forbidden, match="lacks ReadCall"):
        query(memory, BOB)


def test_a_user_named_twice_is_as_the_last_says(memory: MemoryWorld) -> None:
    twice = [{"user_id": "carol", "role": "host"}, {"user_id": "carol", "role": "moderator"}]
    assert [member.role for member in update(memory, update_members=twice).members] == ["moderator"]


def test_adding_and_removing_the_same_user_is_refused_by_name(memory: MemoryWorld) -> None:
    with pytest.raises(Invalid, match=r"remove_members: 'carol' is among update_members"):
        update(memory, update_members=[{"user_id": "carol"}], remove_members=["carol"])


def test_a_user_who_was_never_made_is_refused_by_name(memory: MemoryWorld) -> None:
    with pytest.raises(Invalid, match=r"don't exist: \['nobody'\]"):
        update(memory, update_members=[{"user_id": "carol"}, {"user_id": "nobody"}])
    assert names(query(memory)) == ["bob"]


def test_a_request_that_says_nothing_tells_nothing(memory: MemoryWorld) -> None:
    assert update(memory).members == ()
    assert memory.bus.events == []


@pytest.mark.parametrize(
    ("granted", "fields", "lacking"),
    [
        ([], {"update_members": [{"user_id": "carol"}]}, "UpdateCallMembers"),
        ([], {"remove_members": ["bob"]}, "RemoveCallMembers"),
        (["update-call-member"], {"remove_members": ["bob"]}, "RemoveCallMembers"),
        (["remove-call-member"], {"update_members": [{"user_id": "carol"}]}, "UpdateCallMembers"),
        (
            ["update-call-member"],
            {"update_members": [{"user_id": "bob", "role": "admin"}]},
            "UpdateCallMemberRole",
        ),
        (
            ["update-call-member"],
            {"update_members": [{"user_id": "carol", "role": "host"}]},
            "UpdateCallMemberRole",
        ),
    ],
)
def test_members_change_members_only_as_they_are_granted(
    memory: MemoryWorld, granted: list[str], fields: dict[str, Any], lacking: str
) -> None:
    memory.grant({"call_member": ["read-call", *granted]})
    with pytest.raises(Forbidden, match=f"lacks {lacking} in"):
        update(memory, BOB, **fields)
    assert names(query(memory)) == ["bob"]


def test_who_may_change_members_but_not_roles_keeps_roles_as_they_are(
    memory: MemoryWorld,
) -> None:
    memory.member("carol", "host")
    memory.grant({"call_member": ["read-call", "update-call-member"]})
    same = {"user_id": "carol", "role": "host", "custom": {"seat": 1}}
    (member,) = update(memory, BOB, update_members=[same, {"user_id": "dora"}]).members[:1]
    assert (member.role, member.custom) == ("host", {"seat": 1})


def test_others_neither_change_nor_see_members(memory: MemoryWorld) -> None:
    carol = Caller(user_id="carol")
    with pytest.raises(Forbidden, match="lacks ReadCall"):
        update(memory, carol, update_members=[{"user_id": "carol"}])
    with pytest.raises(Forbidden, match="lacks ReadCall"):
        query(memory, carol)


def test_members_of_a_call_nobody_created_are_missing(memory: MemoryWorld) -> None:
    with pytest.raises(Missing):
        update(memory, call=Call(call_type="default", call_id="never"))
    with pytest.raises(Missing):
        query(memory, id="never")


def test_a_change_that_could_not_be_told_is_told_when_it_is_asked_for_again(
    memory: MemoryWorld,
) -> None:
    memory.bus.refusals = 1
    with pytest.raises(Transient):
        update(memory, update_members=[{"user_id": "carol"}], remove_members=["bob"])
    assert names(query(memory)) == ["carol"]
    update(memory, update_members=[{"user_id": "carol"}], remove_members=["bob"])
    assert memory.bus.types[:2] == ["call.member_added", "call.member_removed"]


def test_members_come_page_by_page(memory: MemoryWorld) -> None:
    update(memory, update_members=[{"user_id": "carol"}, {"user_id": "dora"}])
    first = query(memory, limit=2)
    assert names(first) == ["bob", "carol"]
    last = query(memory, limit=2, next=first.next)
    assert names(last) == ["dora"]
    assert last.next is None


def test_members_are_found_by_user_id_page_by_page(memory: MemoryWorld) -> None:
    update(memory, update_members=[{"user_id": "carol"}, {"user_id": "dora"}])
    wanted = {"user_id": {"$in": ["dora", "bob", "nobody"]}}
    first = query(memory, filter_conditions=wanted, limit=1)
    assert names(first) == ["bob"]
    last = query(memory, filter_conditions=wanted, limit=1, next=first.next)
    assert names(last) == ["dora"]
    assert last.next is None


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"filter_conditions": {"name": "x"}}, "only user_id"),
        ({"sort": [{"field": "created_at"}]}, "only user_id"),
        ({"prev": "x"}, "prev: "),
    ],
)
def test_what_is_not_supported_is_refused_by_name(
    memory: MemoryWorld, fields: dict[str, Any], problem: str
) -> None:
    with pytest.raises(Invalid, match=problem):
        query(memory, **fields)
