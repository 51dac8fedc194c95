"""Find calls that the caller may read, and watch them."""

from __future__ import annotations

from collections.abc import Iterator

from isotrack.calls.call_types import BUILT_IN
from isotrack.calls.grants import Permission
from isotrack.calls.permissions import Caller
from isotrack.calls.records import CallRecord
from isotrack.contract.calls import QueryCallsRequest, QueryCallsResponse
from isotrack.control.authorize import Authorized, standing
from isotrack.control.call_state import call_state
from isotrack.control.candidates import FIELDS, candidates
from isotrack.control.filters import Filter, parse_filter, require_forward, require_sort
from isotrack.control.watching import connection_of
from isotrack.control.world import World

LIMIT = 25
"""Calls of a page, at most and where no number is asked for."""


def query_calls(
    request: QueryCallsRequest,
    *,
    caller: Caller,
    connection_id: str | None = None,
    world: World,
) -> QueryCallsResponse:
    """Calls that fit a filter, by type and id; a page may hold fewer than asked for, or none.

    A filter names calls (`cid`), or one user who is a member of them (`members`) or has created
    them (`created_by_user_id`); a user who asks for nothing is given the calls they belong to.
    With `watch` the connection, if one is named, watches the calls found from now on.

    Raises:
        Invalid: the filter or the order is not supported; the message names what is.
        NotConnected: the connection is not the caller's.
    """
    wanted = parse_filter(request.filter_conditions, FIELDS)
    require_sort(request.sort, "cid")
    require_forward(request.prev)
    connection = connection_of(caller, connection_id, world=world)
    limit = min(request.limit or LIMIT, LIMIT)
    page = candidates(wanted, caller, limit=limit, after=request.next, world=world)
    records = world.calls.get_many(page.items)
    fitting = [records[call] for call in page.items if call in records]
    seen = list(_readable(fitting, wanted, caller, world))
    if request.watch and connection is not None and seen:
        calls = [each.record.call for each in seen]
        world.connections.watch(connection, calls)
        # Read again: what happens from here on is told, what happened before is in these.
        records = world.calls.get_many(calls)
        seen = [each._replace(record=records[each.record.call]) for each in seen]
    return QueryCallsResponse(
        calls=tuple(call_state(each, world=world) for each in seen), next=page.next
    )


def _readable(
    records: list[CallRecord], wanted: Filter, caller: Caller, world: World
) -> Iterator[Authorized]:
    """Those that fit the filter and that the caller may read."""
    written = {name: world.call_types.get(name) for name in {r.call.call_type for r in records}}
    user = None if caller.user_id is None else world.users.get(caller.user_id)
    asked = {*wanted.get("members", ()), *([] if caller.user_id is None else [caller.user_id])}
    creators = wanted.get("created_by_user_id")
    for record in records:
        name = record.call.call_type
        call_type = written[name] or BUILT_IN.get(name)
        fits = creators is None or record.created_by_id in creators
        if call_type is None or not record.created or not fits:
            continue
        members = world.members.get(record.call, sorted(asked)) if asked else {}
        if "members" in wanted and not wanted["members"] & members.keys():
            continue
        member = members.get(caller.user_id or "")
        seen = standing(caller, record, call_type, user, member)
        if Permission.READ_CALL in seen.access.permissions:
            yield seen
