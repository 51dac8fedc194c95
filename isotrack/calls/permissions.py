"""Who may do what in a call: callers, and the roles they have there."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from pydantic import AwareDatetime

from isotrack.calls.grants import DEFAULT_GRANTS, OWNER, Grants, Permission, granted
from isotrack.calls.members import CALL_MEMBER, Member
from isotrack.calls.records import CallRecord
from isotrack.calls.users import DEFAULT_ROLE, User
from isotrack.recording.errors import Forbidden
from isotrack.recording.tracks import Call, Frozen


class Caller(Frozen):
    """Who sent a request, as their token says: a server, an agent or a user."""

    server: bool = False
    agent_id: str | None = None
    user_id: str | None = None
    role: str | None = None
    """A role beside all others, in the calls of `call_cids` only; None there is `call_member`."""
    call_cids: tuple[str, ...] = ()
    issued_at: AwareDatetime | None = None
    """When the token was made; None when it does not say."""

    def revoked(self, issued_before: datetime | None) -> bool:
        """Whether the caller's token is one of those that users lost at a moment."""
        if self.user_id is None or issued_before is None:
            return False
        return self.issued_at is None or self.issued_at < issued_before

    @property
    def name(self) -> str:
        """The caller in a message."""
        if self.server:
            return "a server"
        return f"user {self.user_id!r}" if self.agent_id is None else f"agent {self.agent_id!r}"


class Access(NamedTuple):
    """What one caller may do in one call."""

    caller: Caller
    call: Call
    roles: frozenset[str] = frozenset()
    grants: Grants = DEFAULT_GRANTS

    @property
    def permissions(self) -> frozenset[Permission]:
        """All of it: servers may do everything, agents nothing of this."""
        if self.caller.server:
            return frozenset(Permission)
        if self.caller.user_id is None:
            return frozenset()
        return granted(self.grants, self.roles)

    def require(self, permission: Permission) -> None:
        """Raise Forbidden unless the caller may."""
        if permission not in self.permissions:
            named = ", ".join(sorted(self.roles)) or "none"
            raise Forbidden(
                f"{self.caller.name} (roles: {named}) lacks {permission.operation} "
                f"in call {self.call.cid}"
            )


def roles_in(
    caller: Caller, user: User | None, member: Member | None, record: CallRecord
) -> frozenset[str]:
    """The roles of a caller in a call: their own, and all that the call and the token add.

    Args:
        caller: who asks.
        user: what is known of them; None when nothing is.
        member: their membership of this call; None when they have none.
        record: the call, also one that was never created.
    """
    if caller.user_id is None:
        return frozenset()
    roles = {user.role if user is not None else DEFAULT_ROLE}
    if record.created_by_id == caller.user_id:
        roles.add(OWNER)
    if member is not None:
        roles.add(member.call_role)
    if record.call.cid in caller.call_cids:
        roles.add(caller.role or CALL_MEMBER)
    return frozenset(roles)


def require_agent(caller: Caller, agent_id: str) -> None:
    """Raise Forbidden unless the caller is this agent, or a server."""
    if not caller.server and caller.agent_id != agent_id:
        raise Forbidden(f"{caller.name} may not report for agent {agent_id!r}")


def require_server(caller: Caller, operation: str) -> None:
    """Raise Forbidden unless the caller is a server: `operation` concerns more than one call."""
    if not caller.server:
        raise Forbidden(f"{caller.name} may not do {operation}: it takes a server's token")
