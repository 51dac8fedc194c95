"""Load those whom the view of a call names."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from isotrack.calls.members import Member
from isotrack.calls.records import CallRecord
from isotrack.control.views import People
from isotrack.control.world import World


def load_people(
    record: CallRecord,
    *,
    world: World,
    members: Sequence[Member] = (),
    others: Collection[str] = (),
) -> People:
    """Who created a call, who is in it, and whoever else is asked for.

    Args:
        record: the call.
        world: where they are kept.
        members: members of the call that are loaded already, and to be named.
        others: ids of further users.
    """
    known = {member.user_id: member for member in members}
    participants = {stay.user_id for stay in record.session.participants} if record.session else ()
    # In the order they are named, so that the same call makes the same requests.
    unknown = sorted({*participants, *others} - known.keys())
    if unknown:
        known.update(world.members.get(record.call, unknown))
    named = {*known, *unknown}
    if record.created_by_id is not None:
        named.add(record.created_by_id)
    return People(users=world.users.get_many(sorted(named)), members=known)
