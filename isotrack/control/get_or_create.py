"""Show a call, made by this if nobody did before, and watch it."""

from __future__ import annotations

from datetime import datetime

from isotrack.calls import notices
from isotrack.calls.grants import OWNER, Permission
from isotrack.calls.members import Member
from isotrack.calls.permissions import Caller
from isotrack.calls.records import CallRecord
from isotrack.contract.calls import CallRequest, GetOrCreateCallRequest, GetOrCreateCallResponse
from isotrack.control.authorize import Authorized, stand
from isotrack.control.call_state import call_state
from isotrack.control.known_users import introduce, require_users
from isotrack.control.publish import publish
from isotrack.control.update import update_call
from isotrack.control.upsert_users import keep_user
from isotrack.control.watching import connection_of, watched
from isotrack.control.world import World
from isotrack.recording.errors import Conflict, Invalid
from isotrack.recording.tracks import Call


def get_or_create(
    call: Call,
    request: GetOrCreateCallRequest,
    *,
    caller: Caller,
    connection_id: str | None = None,
    world: World,
    now: datetime,
) -> GetOrCreateCallResponse:
    """A call as the caller sees it; one that exists is left as it is, whatever is asked for.

    Of several who create a call at once exactly one does, the others find it. A creation that a
    crash cut short is finished by whoever asks next.

    Raises:
        Invalid: a server does not say who creates the call, or a user named was never made.
        Missing: there is no such call type.
        Forbidden: the caller may not create calls of this type, or not read this one.
        NotConnected: the connection is not the caller's.
    """
    connection = connection_of(caller, connection_id, world=world)
    record, created = world.calls.get(call) or CallRecord(call=call), False
    if not record.created:
        data = request.data or CallRequest()
        record, created = _create(record, data, caller=caller, world=world, now=now)
    if any(isinstance(notice, notices.CallCreated) for notice in record.outbox):
        record = publish(record, world=world)
    seen = stand(caller, record, world=world)
    seen.access.require(Permission.READ_CALL)
    seen = watched(seen, connection, world=world)
    state = call_state(seen, world=world, members_limit=request.members_limit)
    return GetOrCreateCallResponse(**dict(state), created=created)


def _create(
    record: CallRecord, data: CallRequest, *, caller: Caller, world: World, now: datetime
) -> tuple[CallRecord, bool]:
    """The call created by this, or by somebody who was faster: then False."""
    creator_id = _creator(caller, data)
    _require_permissions(stand(caller, record, world=world), creator_id, data)
    introduce(caller, world=world, now=now)
    if caller.server and data.created_by is not None:
        keep_user(data.created_by, world=world, now=now)
    members = {
        member.user_id: Member(
            user_id=member.user_id,
            role=member.role,
            custom=member.custom or {},
            created_at=now,
            updated_at=now,
        )
        for member in data.members or ()
    }
    require_users({creator_id, *members}, world=world)

    def change(record: CallRecord) -> CallRecord:
        return record.create(
            creator_id,
            now,
            custom=data.custom,
            settings_override=data.settings_override,
            starts_at=data.starts_at,
            team=data.team,
            members=tuple(members.values()),
        )

    try:
        return update_call(record.call, change, calls=world.calls), True
    except Conflict:
        return world.calls.get(record.call) or record, False


def _creator(caller: Caller, data: CallRequest) -> str:
    """Who creates the call: a user themselves, a server somebody whom it names."""
    named = data.created_by_id or (data.created_by.id if data.created_by is not None else None)
    if data.created_by_id and data.created_by and data.created_by.id != data.created_by_id:
        raise Invalid(
            f"data.created_by_id: is {data.created_by_id!r}, and data.created_by.id another"
        )
    if caller.user_id is not None:
        if named not in (None, caller.user_id):
            raise Invalid(f"data.created_by_id: {caller.name} cannot create a call for {named!r}")
        return caller.user_id
    if named is None:
        raise Invalid("data.created_by_id: either created_by_id or created_by is required")
    return named


def _require_permissions(seen: Authorized, creator_id: str, data: CallRequest) -> None:
    """Creating with settings and members takes what changing them right after would take."""
    seen.access.require(Permission.CREATE_CALL)
    after = seen.access
    if after.caller.user_id == creator_id:
        after = after._replace(roles=after.roles | {OWNER})
    if data.settings_override is not None:
        after.require(Permission.UPDATE_CALL_SETTINGS)
    if data.members:
        after.require(Permission.UPDATE_CALL_MEMBERS)
    if any(member.role is not None for member in data.members or ()):
        after.require(Permission.UPDATE_CALL_MEMBER_ROLE)
