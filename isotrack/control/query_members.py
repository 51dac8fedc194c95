"""Find members of a call."""

from __future__ import annotations

from isotrack.calls.grants import Permission
from isotrack.calls.permissions import Caller
from isotrack.contract.members import QueryCallMembersRequest, QueryCallMembersResponse
from isotrack.control.authorize import authorize
from isotrack.control.call_state import MEMBERS_LIMIT
from isotrack.control.filters import parse_filter, require_forward, require_sort
from isotrack.control.ports import Page
from isotrack.control.views import People, member_view
from isotrack.control.world import World
from isotrack.recording.tracks import Call


def query_members(
    request: QueryCallMembersRequest, *, caller: Caller, world: World
) -> QueryCallMembersResponse:
    """Members of a call by user id: all of them page by page, or those of some ids.

    Raises:
        Missing: nobody created the call.
        Forbidden: the caller may not read it.
        Invalid: the filter or the order is not supported; the message names what is.
    """
    call = Call(call_type=request.type, call_id=request.id)
    authorize(caller, call, Permission.READ_CALL, world=world)
    wanted = parse_filter(request.filter_conditions, {"user_id"})
    require_sort(request.sort, "user_id")
    require_forward(request.prev)
    limit = request.limit or MEMBERS_LIMIT
    if "user_id" in wanted:
        found = world.members.get(call, sorted(wanted["user_id"]))
        names = sorted(name for name in found if request.next is None or name > request.next)
        rest = names[limit - 1] if len(names) > limit else None
        page = Page(tuple(found[name] for name in names[:limit]), rest)
    else:
        page = world.members.page(call, limit=limit, after=request.next)
    users = world.users.get_many(sorted(member.user_id for member in page.items))
    people = People(users, {})
    return QueryCallMembersResponse(
        members=tuple(member_view(member, people) for member in page.items), next=page.next
    )
