"""Add members to a call, change them, or remove them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from isotrack.calls.grants import Permission
from isotrack.calls.members import Member
from isotrack.calls.permissions import Access, Caller
from isotrack.calls.records import CallRecord
from isotrack.contract.members import (
    MemberRequest,
    UpdateCallMembersRequest,
    UpdateCallMembersResponse,
)
from isotrack.control.authorize import authorize
from isotrack.control.known_users import require_users
from isotrack.control.people import load_people
from isotrack.control.publish import publish
from isotrack.control.update import update_call
from isotrack.control.views import member_view
from isotrack.control.world import World
from isotrack.recording.errors import Invalid
from isotrack.recording.tracks import Call


def update_members(
    call: Call, request: UpdateCallMembersRequest, *, caller: Caller, world: World, now: datetime
) -> UpdateCallMembersResponse:
    """The members that were added or changed, as they are after it.

    Members are written first, what is told of it after: whatever a crash leaves half done, the
    same request again does the whole of it and tells it.

    Raises:
        Missing: nobody created the call.
        Forbidden: the caller may not change members, not give them roles, or not remove them.
        Invalid: a user was never made, or shall be added and removed at once.
    """
    seen = authorize(caller, call, Permission.READ_CALL, world=world)
    wanted = {member.user_id: member for member in request.update_members or ()}
    removed = sorted(set(request.remove_members or ()))
    if both := wanted.keys() & set(removed):
        raise Invalid(f"remove_members: {min(both)!r} is among update_members too")
    there = world.members.get(call, sorted(wanted))
    _require_permissions(seen.access, wanted, there, removed)
    require_users(wanted.keys() - there.keys(), world=world)

    kept = [_member(member, there.get(user_id), now) for user_id, member in wanted.items()]
    if kept:
        world.members.put(call, kept)
    if removed:
        world.members.remove(call, removed)
    record = _tell(seen.record, kept, there, removed, world=world, now=now)
    people = load_people(record, world=world, members=kept)
    return UpdateCallMembersResponse(members=tuple(member_view(m, people) for m in kept))


def _require_permissions(
    access: Access,
    wanted: Mapping[str, MemberRequest],
    there: Mapping[str, Member],
    removed: Sequence[str],
) -> None:
    if wanted:
        access.require(Permission.UPDATE_CALL_MEMBERS)
    if removed:
        access.require(Permission.REMOVE_CALL_MEMBERS)
    for user_id, member in wanted.items():
        had = there[user_id].role if user_id in there else None
        if member.role not in (None, had):
            access.require(Permission.UPDATE_CALL_MEMBER_ROLE)


def _member(wanted: MemberRequest, had: Member | None, now: datetime) -> Member:
    """A member as asked for; what the request leaves out stays as it was."""
    if had is None:
        had = Member(user_id=wanted.user_id, created_at=now, updated_at=now)
    return had.model_copy(
        update={
            "role": had.role if wanted.role is None else wanted.role,
            "custom": had.custom if wanted.custom is None else wanted.custom,
            "updated_at": now,
        }
    )


def _tell(
    record: CallRecord,
    kept: Sequence[Member],
    there: Mapping[str, Member],
    removed: Sequence[str],
    *,
    world: World,
    now: datetime,
) -> CallRecord:
    added = [member.user_id for member in kept if member.user_id not in there]
    updated = [member.user_id for member in kept if member.user_id in there]
    if not kept and not removed:
        return record

    def change(record: CallRecord) -> CallRecord:
        return (
            record.members_added(added, now)
            .members_updated(updated, now)
            .members_removed(removed, now)
        )

    return publish(update_call(record.call, change, calls=world.calls), world=world)
