"""Make users, or write over what is known of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from isotrack.calls.users import User
from isotrack.contract.users import UpdateUsersRequest, UpdateUsersResponse, UserRequest
from isotrack.control.audience import Registry
from isotrack.control.saving import keep_trying
from isotrack.control.views import full_user_view
from isotrack.control.world import World
from isotrack.recording.errors import Invalid

_SAID = ("name", "image", "role", "language", "invisible", "teams", "teams_role", "custom")
"""What a request may say of a user."""


def upsert_users(
    request: UpdateUsersRequest, *, world: World, now: datetime
) -> UpdateUsersResponse:
    """The users as they are after it; what the request leaves out stays as it was.

    Users are written one after the other: of a request that fails half-way the first ones are
    written, and the same request again changes nothing of them.

    Raises:
        Invalid: a user is listed under another id than their own.
    """
    for listed, wanted in request.users.items():
        if wanted.id != listed:
            raise Invalid(f"users.{listed}.id: is {wanted.id!r}, but listed as {listed!r}")
    kept = {
        user_id: keep_user(wanted, world=world, now=now)
        for user_id, wanted in request.users.items()
    }
    return UpdateUsersResponse(users={name: full_user_view(user) for name, user in kept.items()})


def keep_user(wanted: UserRequest, *, world: World, now: datetime) -> User:
    """Make one user, or write over what is known of them; the user as kept."""
    changes = {field: value for field in _SAID if (value := getattr(wanted, field)) is not None}

    def change(user: User | None) -> User:
        user = user or User(user_id=wanted.id, created_at=now, updated_at=now)
        return user.model_copy(update=changes)

    return change_user(wanted.id, change, world=world, now=now)


def change_user(
    user_id: str, change: Callable[[User | None], User], *, world: Registry, now: datetime
) -> User:
    """Change a user while others may too, and give them as kept; nothing is written of no change.

    Args:
        user_id: who.
        change: gives the user after the change, from None where there is none yet, or raises.
        world: where users are kept.
        now: when the change is made.
    """

    def attempt() -> User:
        before = world.users.get(user_id)
        after = change(before)
        if after == before:
            return after
        return world.users.save(after.model_copy(update={"updated_at": now}))

    return keep_trying(attempt, f"user {user_id!r}")
