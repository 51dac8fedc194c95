"""Find those who are to hear of a call: who watches it, and may read it still."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from isotrack.calls.call_types import BUILT_IN, CallType
from isotrack.calls.connections import Connection
from isotrack.calls.grants import Permission
from isotrack.calls.members import Member
from isotrack.calls.permissions import Access, roles_in
from isotrack.calls.records import CallRecord
from isotrack.calls.users import User
from isotrack.control.audience import Audience
from isotrack.recording.tracks import Call


class Listeners(NamedTuple):
    """Connections that watch a call, but for those whose users may not read it any more."""

    allowed: tuple[Connection, ...] = ()
    revoked: tuple[Connection, ...] = ()
    """Those whose tokens were revoked since: to be closed, so that their users show new ones."""


class _Readers(NamedTuple):
    """What it depends on who may read a call."""

    record: CallRecord
    call_type: CallType
    users: Mapping[str, User]
    members: Mapping[str, Member]

    def may_read(self, connection: Connection) -> bool:
        caller = connection.caller
        user_id = caller.user_id or ""
        roles = roles_in(caller, self.users.get(user_id), self.members.get(user_id), self.record)
        access = Access(caller, self.record.call, roles, self.call_type.grants)
        return Permission.READ_CALL in access.permissions


def listeners(call: Call, *, audience: Audience) -> Listeners:
    """Who is to hear of a call; all is asked anew, as it may have changed since they came.

    Nobody, where nobody created the call or its call type is gone. Raises Transient.
    """
    watching = [each for each in audience.connections.watchers(call) if each.authenticated]
    if not watching:
        return Listeners()
    record, name = audience.calls.get(call), call.call_type
    call_type = audience.call_types.get(name) or BUILT_IN.get(name)
    if record is None or not record.created or call_type is None:
        return Listeners()
    user_ids = sorted({each.user_id for each in watching if each.user_id is not None})
    users = audience.users.get_many(user_ids)
    revoked = _revoked(watching, users, audience)
    readers = _Readers(record, call_type, users, audience.members.get(call, user_ids))
    allowed = [each for each in watching if each not in revoked and readers.may_read(each)]
    return Listeners(tuple(allowed), tuple(revoked))


def _revoked(
    watching: list[Connection], users: Mapping[str, User], audience: Audience
) -> list[Connection]:
    of_all = audience.app.revoke_tokens_issued_before()
    found = []
    for connection in watching:
        user = users.get(connection.user_id or "")
        of_user = user.revoke_tokens_issued_before if user is not None else None
        if any(connection.caller.revoked(moment) for moment in (of_all, of_user)):
            found.append(connection)
    return found
