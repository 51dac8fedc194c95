"""Find a call and what the caller may do in it, or refuse."""

from __future__ import annotations

from typing import NamedTuple

from isotrack.calls.call_types import CallType
from isotrack.calls.grants import Permission
from isotrack.calls.members import Member
from isotrack.calls.permissions import Access, Caller, roles_in
from isotrack.calls.records import CallRecord
from isotrack.calls.users import User
from isotrack.control.call_types import find_call_type
from isotrack.control.world import World
from isotrack.recording.tracks import Call


class Authorized(NamedTuple):
    """A call, as the caller of an operation stands to it."""

    record: CallRecord
    call_type: CallType
    access: Access
    member: Member | None = None
    """The caller's membership; None of a server, and of who has none."""


def authorize(caller: Caller, call: Call, permission: Permission, *, world: World) -> Authorized:
    """The call, if the caller may do this in it; nobody may who may not read the call.

    Raises:
        Missing: nobody created the call, or its call type is gone.
        Forbidden: the caller may not.
    """
    record = world.calls.get(call) or CallRecord(call=call)
    record.require_created()
    authorized = stand(caller, record, world=world)
    authorized.access.require(Permission.READ_CALL)
    authorized.access.require(permission)
    return authorized


def stand(caller: Caller, record: CallRecord, *, world: World) -> Authorized:
    """How a caller stands to a call, whatever that allows. Raises Missing without a call type."""
    call_type = find_call_type(record.call.call_type, world=world)
    if caller.user_id is None:
        return standing(caller, record, call_type, None, None)
    member = world.members.get(record.call, [caller.user_id]).get(caller.user_id)
    return standing(caller, record, call_type, world.users.get(caller.user_id), member)


def standing(
    caller: Caller,
    record: CallRecord,
    call_type: CallType,
    user: User | None,
    member: Member | None,
) -> Authorized:
    """The same of what is loaded: the call and its type, the caller and their membership of it."""
    roles = roles_in(caller, user, member, record)
    return Authorized(
        record, call_type, Access(caller, record.call, roles, call_type.grants), member
    )
