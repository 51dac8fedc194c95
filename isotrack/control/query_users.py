"""Find users by their ids."""

from __future__ import annotations

from isotrack.contract.users import QueryUsersPayload, QueryUsersResponse
from isotrack.control.filters import parse_filter, require_sort
from isotrack.control.views import full_user_view
from isotrack.control.world import World
from isotrack.recording.errors import Invalid

LIMIT = 30
"""Users in an answer that asks for no number."""


def query_users(payload: QueryUsersPayload, *, world: World) -> QueryUsersResponse:
    """The users of some ids, by id; ids that were never heard of are left out.

    Raises:
        Invalid: the filter asks for anything but ids, or for none; the message names what.
    """
    wanted = parse_filter(payload.filter_conditions, {"id"})
    if "id" not in wanted:
        raise Invalid("filter_conditions: id is needed, as $eq or $in")
    require_sort(payload.sort, "id")
    users = world.users.get_many(sorted(wanted["id"]))
    first = payload.offset or 0
    names = sorted(users)[first : first + (payload.limit or LIMIT)]
    return QueryUsersResponse(users=tuple(full_user_view(users[name]) for name in names))
