from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import pytest

from isotrack.adapters.remembered import RememberedAppTable, RememberedUserTable
from isotrack.calls.users import User
from isotrack.control.ports import StaleRecord
from tests.builders import NOON, at


class CountedAppTable:
    def __init__(self) -> None:
        self.moment: datetime | None = None
        self.reads = 0

    def revoke_tokens_issued_before(self) -> datetime | None:
        self.reads += 1
        return self.moment

    def keep_revocation(self, moment: datetime | None) -> None:
        self.moment = moment


class CountedUserTable:
    def __init__(self, *user_ids: str) -> None:
        self.users = {
            user_id: User(user_id=user_id, version=1, created_at=NOON, updated_at=NOON)
            for user_id in user_ids
        }
        self.read: list[str] = []

    def get(self, user_id: str) -> User | None:
        self.read.append(user_id)
        return self.users.get(user_id)

    def get_many(self, user_ids: Collection[str]) -> Mapping[str, User]:
        self.read.extend(sorted(user_ids))
        return {user_id: self.users[user_id] for user_id in user_ids if user_id in self.users}

    def save(self, user: User) -> User:
        if user.version != self.users[user.user_id].version:
            raise StaleRecord
        self.users[user.user_id] = user.model_copy(update={"version": user.version + 1})
        return self.users[user.user_id]


def test_a_revocation_made_elsewhere_is_seen_after_some_seconds() -> None:
    app, seconds = CountedAppTable(), [0.0]
    remembered = RememberedAppTable(app, 10, clock=lambda: seconds[0])
    assert remembered.revoke_tokens_issued_before() is None
    app.keep_revocation(NOON)
    seconds[0] = 9.9
    assert remembered.revoke_tokens_issued_before() is None
    assert app.reads == 1
    seconds[0] = 10.0
    assert remembered.revoke_tokens_issued_before() == NOON
    assert app.reads == 2


def test_a_revocation_made_here_is_seen_at_once() -> None:
    remembered = RememberedAppTable(CountedAppTable(), 10, clock=lambda: 0.0)
    assert remembered.revoke_tokens_issued_before() is None
    remembered.keep_revocation(at(5))
    assert remembered.revoke_tokens_issued_before() == at(5)


def test_a_user_is_read_once_also_one_who_is_not_there() -> None:
    users = CountedUserTable("alice", "bob")
    remembered = RememberedUserTable(users)
    assert remembered.get("nobody") is None
    assert remembered.get("alice") == users.users["alice"]
    assert remembered.get_many(["alice", "bob", "nobody"]) == users.users
    assert remembered.get("bob") == users.users["bob"]
    assert users.read == ["nobody", "alice", "bob"]


def test_a_user_that_was_written_is_known_as_written() -> None:
    users = CountedUserTable("alice")
    remembered = RememberedUserTable(users)
    alice = remembered.get("alice")
    assert alice is not None
    saved = remembered.save(alice.model_copy(update={"role": "admin"}))
    assert remembered.get("alice") == saved == users.users["alice"]


def test_a_user_that_somebody_else_has_written_is_read_again() -> None:
    users = CountedUserTable("alice")
    remembered = RememberedUserTable(users)
    alice = remembered.get("alice")
    assert alice is not None
    users.save(alice.model_copy(update={"role": "admin"}))
    with pytest.raises(StaleRecord):
        remembered.save(alice)
    again = remembered.get("alice")
    assert again is not None
    assert again.role == "admin"
