"""Tables that remember what they have read, so that a request reads it once or not at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from isotrack.calls.users import User
from isotrack.control.ports import AppTable, UserTable


class RememberedAppTable:
    """An AppTable that reads again after some seconds.

    What is changed elsewhere is so late by that; what is changed through this one is not.
    """

    def __init__(
        self, app: AppTable, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._seconds = seconds
        self._clock = clock
        self._read_at: float | None = None
        self._moment: datetime | None = None

    def revoke_tokens_issued_before(self) -> datetime | None:
        """Tokens of users issued before this, or that do not say when, are worth nothing."""
        now = self._clock()
        if self._read_at is None or now - self._read_at >= self._seconds:
            self._moment, self._read_at = self._app.revoke_tokens_issued_before(), now
        return self._moment

    def keep_revocation(self, moment: datetime | None) -> None:
        """Set `revoke_tokens_issued_before`."""
        self._read_at = None
        self._app.keep_revocation(moment)


class RememberedUserTable:
    """A UserTable for the span of one request: a user is read once, unless written meanwhile."""

    def __init__(self, users: UserTable) -> None:
        self._users = users
        self._known: dict[str, User | None] = {}

    def get(self, user_id: str) -> User | None:
        """A user; None when it was never heard of."""
        if user_id not in self._known:
            self._known[user_id] = self._users.get(user_id)
        return self._known[user_id]

    def get_many(self, user_ids: Collection[str]) -> Mapping[str, User]:
        """Some users by id; those never heard of are left out."""
        wanted = set(user_ids)
        if unknown := wanted - self._known.keys():
            read = self._users.get_many(unknown)
            self._known.update((user_id, read.get(user_id)) for user_id in unknown)
        known = ((user_id, self._known[user_id]) for user_id in wanted)
        return {user_id: user for user_id, user in known if user is not None}

    def save(self, user: User) -> User:
        """Write a user over the version it was read as. Raises StaleRecord."""
        self._known.pop(user.user_id, None)  # also when somebody else was faster
        saved = self._users.save(user)
        self._known[saved.user_id] = saved
        return saved
