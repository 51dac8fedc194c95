"""Find the users that a request names, make those who introduce themselves, refuse the others."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from isotrack.calls.permissions import Caller
from isotrack.calls.users import User
from isotrack.control.ports import StaleRecord
from isotrack.control.world import World
from isotrack.recording.errors import Invalid


def require_users(user_ids: Collection[str], *, world: World) -> None:
    """Raise Invalid unless all of these users were made; the message names those who were not."""
    if not user_ids:
        return
    known = world.users.get_many(sorted(user_ids))
    unknown = [user_id for user_id in sorted(user_ids) if user_id not in known]
    if unknown:
        raise Invalid(
            "The following users are involved in call create or update operation, but don't "
            f"exist: {unknown}. Please create the user objects first."
        )


def introduce(caller: Caller, *, world: World, now: datetime) -> None:
    """Make the user who asks, if they were never heard of: their token says that they exist."""
    if caller.user_id is None or world.users.get(caller.user_id) is not None:
        return
    try:
        world.users.save(User(user_id=caller.user_id, created_at=now, updated_at=now))
    except StaleRecord:
        return  # made in the meantime, which is as well
