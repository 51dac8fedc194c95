from __future__ import annotations

from typing import Any

import pytest

from isotrack.calls.users import User
from isotrack.contract.users import (
    FullUserResponse,
    QueryUsersPayload,
    UpdateUsersPartialRequest,
    UpdateUsersRequest,
)
from isotrack.control.query_users import query_users
from isotrack.control.update_users_partial import update_users_partial
from isotrack.control.upsert_users import upsert_users
from isotrack.recording.errors import Invalid, Missing, Transient
from tests.builders import NOON, at
from tests.worlds import MemoryWorld


@pytest.fixture
def memory() -> MemoryWorld:
    memory = MemoryWorld()
    upsert(memory, {"id": "alice", "name": "Alice", "role": "admin", "custom": {"desk": 4}})
    return memory


def upsert(memory: MemoryWorld, *users: dict[str, Any]) -> dict[str, FullUserResponse]:
    request = UpdateUsersRequest.model_validate({"users": {user["id"]: user for user in users}})
    return upsert_users(request, world=memory.world, now=NOON).users


def change(memory: MemoryWorld, *users: dict[str, Any]) -> dict[str, FullUserResponse]:
    request = UpdateUsersPartialRequest.model_validate({"users": users})
    return update_users_partial(request, world=memory.world, now=at(60)).users


def query(memory: MemoryWorld, **fields: Any) -> list[str]:
    payload = QueryUsersPayload.model_validate(fields)
    return [user.id for user in query_users(payload, world=memory.world).users]


def test_users_are_made_with_what_is_said_of_them(memory: MemoryWorld) -> None:
    users = upsert(
        memory,
        {"id": "bob", "name": "Bob", "image": "https://example.com/bob.png", "teams": ["red"]},
        {"id": "carol", "language": "nl", "invisible": True},
    )
    assert users["bob"].name == "Bob"
    assert users["bob"].teams == ("red",)
    assert users["carol"].language == "nl"
    assert users["carol"].invisible
    assert users["carol"].role == "user"
    assert users["carol"].created_at == users["carol"].updated_at == NOON


def test_what_an_upsert_leaves_out_stays(memory: MemoryWorld) -> None:
    user = upsert(memory, {"id": "alice", "name": "Alice A."})["alice"]
    assert (user.name, user.role, user.custom) == ("Alice A.", "admin", {"desk": 4})


def test_the_same_again_is_not_written(memory: MemoryWorld) -> None:
    before = memory.users.users["alice"]
    upsert(memory, {"id": "alice", "name": "Alice"})
    assert memory.users.users["alice"] == before


def test_a_user_listed_under_another_id_is_refused_by_name(memory: MemoryWorld) -> None:
    request = UpdateUsersRequest.model_validate({"users": {"alice": {"id": "bob"}}})
    with pytest.raises(Invalid, match=r"users\.alice\.id: is 'bob'"):
        upsert_users(request, world=memory.world, now=NOON)
    assert "bob" not in memory.users.users


def test_single_fields_are_set_and_unset(memory: MemoryWorld) -> None:
    user = change(
        memory,
        {"id": "alice", "set": {"role": "host", "teams": ["blue"]}, "unset": ["name", "desk"]},
    )["alice"]
    assert (user.role, user.teams, user.name, user.custom) == ("host", ("blue",), None, {})
    assert user.updated_at == at(60)


def test_fields_users_do_not_have_are_custom_ones(memory: MemoryWorld) -> None:
    user = change(memory, {"id": "alice", "set": {"color": "red", "custom.name": "nick"}})["alice"]
    assert user.custom == {"desk": 4, "color": "red", "name": "nick"}
    assert user.name == "Alice"


def test_custom_data_can_be_replaced_as_a_whole(memory: MemoryWorld) -> None:
    user = change(memory, {"id": "alice", "set": {"custom": {"floor": 2}, "color": "red"}})["alice"]
    assert user.custom == {"floor": 2, "color": "red"}


def test_a_role_that_is_unset_is_the_default_one(memory: MemoryWorld) -> None:
    assert change(memory, {"id": "alice", "unset": ["role"]})["alice"].role == "user"


def test_tokens_are_revoked_and_given_back(memory: MemoryWorld) -> None:
    moment = "2026-03-01T12:00:00Z"
    user = change(memory, {"id": "alice", "set": {"revoke_tokens_issued_before": moment}})["alice"]
    assert user.revoke_tokens_issued_before is not None
    assert user.revoke_tokens_issued_before.isoformat() == "2026-03-01T12:00:00+00:00"
    user = change(memory, {"id": "alice", "set": {"revoke_tokens_issued_before": None}})["alice"]
    assert user.revoke_tokens_issued_before is None


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"role": 7}, r"users\.1\.set\.role"),
        ({"role": "two words"}, r"users\.1\.set\.role"),
        ({"revoke_tokens_issued_before": "yesterday"}, r"set\.revoke_tokens_issued_before"),
        ({"revoke_tokens_issued_before": "2026-03-01T12:00:00"}, r"set\.revoke_tokens"),
        ({"custom": "x", "color": "red"}, r"users\.1\.set\.custom"),
        ({"teams": "red"}, r"users\.1\.set\.teams"),
        ({"id": "bob"}, r"users\.1\.set\.id: cannot be changed"),
        ({"created_at": "2026-03-01T12:00:00Z"}, r"set\.created_at: cannot be changed"),
        ({"banned": True}, r"set\.banned: cannot be changed"),
    ],
)
def test_a_wrong_field_is_refused_by_name_and_nothing_is_written(
    memory: MemoryWorld, changed: dict[str, Any], field: str
) -> None:
    upsert(memory, {"id": "bob"})
    before = dict(memory.users.users)
    with pytest.raises(Invalid, match=field):
        change(memory, {"id": "bob", "set": {"name": "B"}}, {"id": "alice", "set": changed})
    assert memory.users.users == before


def test_more_custom_data_than_a_user_may_have_is_refused(memory: MemoryWorld) -> None:
    change(memory, {"id": "alice", "set": {"a": "x" * 4000}})
    with pytest.raises(Invalid, match=r"users\.0\.set\.custom"):
        change(memory, {"id": "alice", "set": {"b": "x" * 4000}})


def test_a_user_who_was_never_made_cannot_be_changed(memory: MemoryWorld) -> None:
    with pytest.raises(Missing, match="no user 'nobody'"):
        change(memory, {"id": "alice", "set": {"name": "A"}}, {"id": "nobody"})
    assert memory.users.users["alice"].name == "Alice"


def test_two_changes_at_once_are_both_made(memory: MemoryWorld) -> None:
    save = memory.users.save
    rivals = [lambda: change(memory, {"id": "alice", "set": {"name": "rival"}})]

    def contested(user: User) -> User:
        if rivals:
            rivals.pop()()
        return save(user)

    memory.users.save = contested  # type: ignore[method-assign]
    user = change(memory, {"id": "alice", "set": {"role": "host"}})["alice"]
    assert (user.name, user.role) == ("rival", "host")


def test_a_user_who_changes_all_the_time_is_tried_again_later(memory: MemoryWorld) -> None:
    def faster(user: User) -> User:
        kept = memory.users.users["alice"]
        memory.users.users["alice"] = kept.model_copy(update={"version": kept.version + 1})
        return type(memory.users).save(memory.users, user)

    memory.users.save = faster  # type: ignore[method-assign]
    with pytest.raises(Transient, match="user 'alice': somebody else was faster 10 times"):
        upsert(memory, {"id": "alice", "name": "A"})


def test_users_are_found_by_id(memory: MemoryWorld) -> None:
    upsert(memory, {"id": "bob"}, {"id": "carol"})
    wanted = {"id": {"$in": ["carol", "nobody", "alice"]}}
    assert query(memory, filter_conditions=wanted) == ["alice", "carol"]
    assert query(memory, filter_conditions=wanted, limit=1) == ["alice"]
    assert query(memory, filter_conditions=wanted, limit=1, offset=1) == ["carol"]
    assert query(memory, filter_conditions={"id": "bob"}) == ["bob"]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, "filter_conditions: id is needed"),
        ({"filter_conditions": {"name": "Alice"}}, 'field "name" is not supported, only id'),
        ({"filter_conditions": {"id": "a"}, "sort": [{"field": "name"}]}, "only id"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(
    memory: MemoryWorld, fields: dict[str, Any], problem: str
) -> None:
    with pytest.raises(Invalid, match=problem):
        query(memory, **fields)
