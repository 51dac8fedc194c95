"""Members of calls in the table: an item each under the call, which the index finds by user."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from isotrack.adapters.dynamodb import DynamoItems, Fields, Item
from isotrack.adapters.dynamodb_bodies import body, value_of
from isotrack.adapters.dynamodb_keys import (
    Key,
    Range,
    beginning,
    call_partition,
    join,
    user_partition,
)
from isotrack.calls.members import Member
from isotrack.control.ports import Page
from isotrack.recording.tracks import Call


class DynamoMemberTable:
    """A MemberTable."""

    def __init__(self, items: DynamoItems) -> None:
        self._items = items

    def get(self, call: Call, user_ids: Collection[str]) -> Mapping[str, Member]:
        """Those of some users who are members, by user id."""
        found = self._items.get_many([_key(call, user_id) for user_id in user_ids])
        members = [_member(call, fields) for fields in found.values()]
        return {member.user_id: member for member in members}

    def put(self, call: Call, members: Sequence[Member]) -> None:
        """Add members, or write over what they were."""
        self._items.write_many(
            puts=[
                Item(_key(call, member.user_id), {**_link(call, member.user_id), **body(member)})
                for member in members
            ]
        )

    def remove(self, call: Call, user_ids: Collection[str]) -> None:
        """Remove members; who is none stays none."""
        self._items.write_many(deletes=[_key(call, user_id) for user_id in user_ids])

    def page(self, call: Call, *, limit: int, after: str | None = None) -> Page[Member]:
        """The members of a call by user id. Raises Invalid when `after` is no token."""
        members = Range(call_partition(call), beginning("member"))
        found = self._items.query(members, limit=limit, after=after)
        return Page(tuple(_member(call, item.fields) for item in found.items), found.next)

    def calls_of(self, user_id: str, *, limit: int, after: str | None = None) -> Page[Call]:
        """The calls that a user is a member of, or has created.

        One that was written in the last moments may be missing. Raises Invalid when `after` is no
        token.
        """
        calls = Range(user_partition(user_id), beginning("call"))
        found = self._items.query_index(calls, limit=limit, after=after)
        # One who has created a call and is a member of it is found twice.
        return Page(tuple(dict.fromkeys(_call(item.fields) for item in found.items)), found.next)

    def note_creator(self, call: Call, user_id: str) -> None:
        """Remember who created a call, for `calls_of`."""
        self._items.put(call_partition(call), "creator", _link(call, user_id))


def _key(call: Call, user_id: str) -> Key:
    return Key(call_partition(call), join("member", user_id))


def _link(call: Call, user_id: str) -> dict[str, object]:
    """What makes the index find a call by a user; the partition may have hashes for its ids."""
    return {
        "found_by": user_partition(user_id),
        "call_type": call.call_type,
        "call_id": call.call_id,
    }


def _call(fields: Fields) -> Call:
    return Call(call_type=fields["call_type"], call_id=fields["call_id"])


def _member(call: Call, fields: Fields) -> Member:
    return value_of(Member, fields, f"of a member of call {call.cid}")
