"""Show a call to somebody: the call, some of its members, and what they may do in it."""

from __future__ import annotations

from isotrack.calls.capabilities import own_capabilities
from isotrack.contract.calls import CallStateResponseFields
from isotrack.control.authorize import Authorized
from isotrack.control.people import load_people
from isotrack.control.views import call_view, member_view
from isotrack.control.world import World

MEMBERS_LIMIT = 25
"""Members in an answer that asks for no number."""


def call_state(
    seen: Authorized, *, world: World, members_limit: int | None = None
) -> CallStateResponseFields:
    """A call as somebody who may read it sees it.

    Args:
        seen: the call, and how they stand to it.
        world: where everybody is kept.
        members_limit: how many members are wanted; None is `MEMBERS_LIMIT`.
    """
    limit = MEMBERS_LIMIT if members_limit is None else members_limit
    members = world.members.page(seen.record.call, limit=limit).items if limit else ()
    own = () if seen.member is None else (seen.member,)
    people = load_people(seen.record, world=world, members=(*members, *own))
    call = call_view(seen.record, seen.call_type, people, world.default)
    mode = call.settings.individual_recording.mode
    return CallStateResponseFields(
        call=call,
        members=tuple(member_view(member, people) for member in members),
        membership=None if seen.member is None else member_view(seen.member, people),
        own_capabilities=own_capabilities(seen.access, mode),
    )
