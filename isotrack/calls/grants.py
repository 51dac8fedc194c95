"""What roles are granted in the calls of a type: ids of permissions, as strings.

An id may end in `-owner`: then it counts only for who created the call. `-any-team` counts as if
it were not there, since calls here have no teams. The names of own capabilities are understood as
well. An id that nobody knows is kept, and grants nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum

Grants = Mapping[str, Collection[str]]
"""Role to the ids it is granted."""

OWNER = "owner"
"""The role of who created a call, in that call."""
_SCOPES = ("-any-team", "-owner")
"""In the order they are taken off: `update-call-owner-any-team`."""


class Permission(StrEnum):
    """What one may do in a call; the value is the id that grants it."""

    READ_CALL = "read-call"
    CREATE_CALL = "create-call"
    JOIN_CALL = "join-call"
    UPDATE_CALL = "update-call"
    UPDATE_CALL_SETTINGS = "update-call-settings"
    UPDATE_CALL_MEMBERS = "update-call-members"
    UPDATE_CALL_MEMBER_ROLE = "update-call-member-role"
    REMOVE_CALL_MEMBERS = "remove-call-members"
    END_CALL = "end-call"
    START_RECORDING = "start-recording"
    STOP_RECORDING = "stop-recording"
    LIST_RECORDINGS = "list-recordings"
    DELETE_RECORDING = "delete-recording"

    @property
    def operation(self) -> str:
        """Its name in messages: `StartRecording`."""
        return "".join(word.capitalize() for word in self.value.split("-"))

    @property
    def ids(self) -> frozenset[str]:
        """All ids that grant it."""
        return frozenset({self.value}) | _OTHER_IDS.get(self, frozenset())


_OTHER_IDS: Mapping[Permission, frozenset[str]] = {
    Permission.UPDATE_CALL_MEMBERS: frozenset({"update-call-member"}),
    Permission.REMOVE_CALL_MEMBERS: frozenset({"remove-call-member"}),
    Permission.START_RECORDING: frozenset(
        {"start-individual-recording", "start-individual-record-call"}
    ),
    Permission.STOP_RECORDING: frozenset(
        {"stop-individual-recording", "stop-individual-record-call"}
    ),
}

_EVERYTHING = tuple(permission.value for permission in Permission)
DEFAULT_GRANTS: Mapping[str, tuple[str, ...]] = {
    "admin": _EVERYTHING,
    "host": _EVERYTHING,
    "moderator": _EVERYTHING,
    OWNER: _EVERYTHING,
    "call_member": (
        Permission.READ_CALL.value,
        Permission.JOIN_CALL.value,
        Permission.LIST_RECORDINGS.value,
    ),
    "user": (Permission.CREATE_CALL.value,),
}
"""Those of a call type that says nothing else: a call is seen by its members."""


def granted(grants: Grants, roles: Collection[str]) -> frozenset[Permission]:
    """All that somebody with these roles in a call may do there.

    Who may not read a call may do nothing in it, whatever is granted, but create it.
    """
    held = frozenset(_effective(grants, roles))
    permissions = frozenset(p for p in Permission if p.ids & held)
    if Permission.READ_CALL in permissions:
        return permissions
    return permissions & {Permission.CREATE_CALL}


def _effective(grants: Grants, roles: Collection[str]) -> Iterable[str]:
    for role in roles:
        for granted_id in grants.get(role, ()):
            plain, owners_only = _scope(granted_id)
            if OWNER in roles or not owners_only:
                yield plain


def _scope(granted_id: str) -> tuple[str, bool]:
    plain = granted_id
    for suffix in _SCOPES:
        plain = plain.removesuffix(suffix)
    return plain, "-owner" in granted_id[len(plain) :]
