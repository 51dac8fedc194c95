"""Users in the table."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from isotrack.adapters.dynamodb import DynamoItems
from isotrack.adapters.dynamodb_bodies import value_of
from isotrack.adapters.dynamodb_keys import Key, user_partition
from isotrack.adapters.dynamodb_versions import put_version
from isotrack.calls.users import User


class DynamoUserTable:
    """A UserTable."""

    def __init__(self, items: DynamoItems) -> None:
        self._items = items

    def get(self, user_id: str) -> User | None:
        """A user; None when it was never heard of."""
        fields = self._items.get(*_key(user_id))
        return None if fields is None else value_of(User, fields, f"of user {user_id!r}")

    def get_many(self, user_ids: Collection[str]) -> Mapping[str, User]:
        """Some users by id; those never heard of are left out."""
        wanted = {_key(user_id): user_id for user_id in user_ids}
        return {
            wanted[key]: value_of(User, fields, f"of user {wanted[key]!r}")
            for key, fields in self._items.get_many(wanted).items()
        }

    def save(self, user: User) -> User:
        """Write a user over the version it was read as. Raises StaleRecord."""
        return put_version(self._items, _key(user.user_id), user, f"user {user.user_id!r}")


def _key(user_id: str) -> Key:
    return Key(user_partition(user_id), "profile")
