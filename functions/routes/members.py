"""Members of calls."""

from __future__ import annotations

from functions.asking import Asked
from functions.operations import VIDEO_PREFIXES, Operations
from functions.routes.paths import CallPath
from isotrack.contract.members import (
    QueryCallMembersRequest,
    QueryCallMembersResponse,
    UpdateCallMembersRequest,
    UpdateCallMembersResponse,
)
from isotrack.control.query_members import query_members
from isotrack.control.update_members import update_members

members = Operations(*VIDEO_PREFIXES)


@members.post("QueryCallMembers", "/call/members")
def query_call_members(asked: Asked, body: QueryCallMembersRequest) -> QueryCallMembersResponse:
    """Find members of a call."""
    return query_members(body, caller=asked.caller, world=asked.world)


@members.post("UpdateCallMembers", "/call/{type}/{id}/members")
def update_call_members(
    asked: Asked, path: CallPath, body: UpdateCallMembersRequest
) -> UpdateCallMembersResponse:
    """Add members to a call, change them, or remove them."""
    return update_members(path.call, body, caller=asked.caller, world=asked.world, now=asked.now)
