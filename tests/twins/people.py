"""Users, members of calls, and what holds for all of them, in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from isotrack.adapters.dynamodb_keys import call_partition, join
from isotrack.calls.members import Member
from isotrack.calls.users import User
from isotrack.control.ports import Page
from isotrack.recording.tracks import Call
from tests.twins.pages import page_of
from tests.twins.versions import put_version


class MemoryUserTable:
    def __init__(self) -> None:
        self.users: dict[str, User] = {}

    def get(self, user_id: str) -> User | None:
        return self.users.get(user_id)

    def get_many(self, user_ids: Collection[str]) -> Mapping[str, User]:
        return {user_id: self.users[user_id] for user_id in user_ids if user_id in self.users}

    def save(self, user: User) -> User:
        return put_version(self.users, user.user_id, user)


class MemoryMemberTable:
    def __init__(self) -> None:
        self.members: dict[Call, dict[str, Member]] = {}
        self.creators: dict[Call, str] = {}

    def get(self, call: Call, user_ids: Collection[str]) -> Mapping[str, Member]:
        members = self.members.get(call, {})
        return {user_id: members[user_id] for user_id in user_ids if user_id in members}

    def put(self, call: Call, members: Sequence[Member]) -> None:
        self.members.setdefault(call, {}).update({member.user_id: member for member in members})

    def remove(self, call: Call, user_ids: Collection[str]) -> None:
        for user_id in user_ids:
            self.members.get(call, {}).pop(user_id, None)

    def page(self, call: Call, *, limit: int, after: str | None = None) -> Page[Member]:
        members = self.members.get(call, {})
        return page_of({join(user_id): members[user_id] for user_id in members}, limit, after)

    def calls_of(self, user_id: str, *, limit: int, after: str | None = None) -> Page[Call]:
        calls = {call for call, members in self.members.items() if user_id in members}
        calls |= {call for call, creator in self.creators.items() if creator == user_id}
        return page_of({call_partition(call): call for call in calls}, limit, after)

    def note_creator(self, call: Call, user_id: str) -> None:
        self.creators[call] = user_id


class MemoryAppTable:
    def __init__(self) -> None:
        self.revocation: datetime | None = None

    def revoke_tokens_issued_before(self) -> datetime | None:
        return self.revocation

    def keep_revocation(self, moment: datetime | None) -> None:
        self.revocation = moment
