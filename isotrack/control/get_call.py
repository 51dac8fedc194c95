"""Show a call, and watch it."""

from __future__ import annotations

from isotrack.calls.grants import Permission
from isotrack.calls.permissions import Caller
from isotrack.contract.calls import GetCallQuery, GetCallResponse
from isotrack.control.authorize import authorize
from isotrack.control.call_state import call_state
from isotrack.control.watching import connection_of, watched
from isotrack.control.world import World
from isotrack.recording.tracks import Call


def get_call(
    call: Call,
    query: GetCallQuery,
    *,
    caller: Caller,
    connection_id: str | None = None,
    world: World,
) -> GetCallResponse:
    """A call as the caller sees it; their connection, if one is named, watches it from now on.

    Raises:
        Missing: nobody created the call.
        Forbidden: the caller may not read it.
        NotConnected: the connection is not the caller's.
    """
    seen = authorize(caller, call, Permission.READ_CALL, world=world)
    connection = connection_of(caller, connection_id, world=world)
    seen = watched(seen, connection, world=world)
    state = call_state(seen, world=world, members_limit=query.members_limit)
    return GetCallResponse(**dict(state))
