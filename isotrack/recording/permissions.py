"""Who may do what with a recording: callers, their roles, and what roles are granted."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from isotrack.recording.errors import Forbidden
from isotrack.recording.tracks import Call, Frozen


class Permission(StrEnum):
    """What a grant of a call type names."""

    START_RECORDING = "start-recording"
    STOP_RECORDING = "stop-recording"

    @property
    def operation(self) -> str:
        """The name of the operation it allows: `StartRecording`."""
        return "".join(word.capitalize() for word in self.value.split("-"))


USER = "user"
_BOTH = frozenset({Permission.START_RECORDING, Permission.STOP_RECORDING})
DEFAULT_GRANTS: Mapping[str, frozenset[Permission]] = {
    "admin": _BOTH,
    "host": _BOTH,
    "moderator": _BOTH,
    USER: frozenset(),
}


class Caller(Frozen):
    """Who sent a request, as their token says: a server, an agent or a user."""

    server: bool = False
    agent_id: str | None = None
    user_id: str | None = None
    role: str | None = None
    """A role beside `user`, in the calls of `call_cids` only."""
    call_cids: tuple[str, ...] = ()

    def roles_in(self, call: Call) -> frozenset[str]:
        """The roles of a user in a call. A token's role adds to what every user may, there."""
        if self.role is not None and call.cid in self.call_cids:
            return frozenset({USER, self.role})
        return frozenset({USER})

    @property
    def name(self) -> str:
        """The caller in a message."""
        if self.server:
            return "a server"
        return f"user {self.user_id!r}" if self.agent_id is None else f"agent {self.agent_id!r}"


def require(
    caller: Caller,
    permission: Permission,
    call: Call,
    grants: Mapping[str, frozenset[Permission]] = DEFAULT_GRANTS,
) -> None:
    """Raise Forbidden unless the caller may; servers may do everything, agents nothing of this."""
    if caller.server:
        return
    roles = caller.roles_in(call) if caller.user_id is not None else frozenset[str]()
    if not any(permission in grants.get(role, frozenset()) for role in roles):
        named = ", ".join(sorted(roles)) or "none"
        raise Forbidden(
            f"{caller.name} (roles: {named}) lacks {permission.operation} in call {call.cid}"
        )


def require_agent(caller: Caller, agent_id: str) -> None:
    """Raise Forbidden unless the caller is this agent, or a server."""
    if not caller.server and caller.agent_id != agent_id:
        raise Forbidden(f"{caller.name} may not report for agent {agent_id!r}")
