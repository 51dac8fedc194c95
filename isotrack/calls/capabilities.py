"""Own capabilities: what clients are told that they may do, so that they offer nothing else.

Made of the same grants that are checked, and of the settings: nobody starts a recording where it is
disabled. Capabilities of things that are not done here (sending
media, moderation, composite recordings) are never among them.
"""

from __future__ import annotations

from collections.abc import Mapping

from isotrack.calls.grants import OWNER, Grants, Permission, granted
from isotrack.calls.permissions import Access
from isotrack.recording.settings import Mode

CAPABILITIES: Mapping[Permission, str] = {
    Permission.CREATE_CALL: "create-call",
    Permission.END_CALL: "end-call",
    Permission.JOIN_CALL: "join-call",
    Permission.READ_CALL: "read-call",
    Permission.REMOVE_CALL_MEMBERS: "remove-call-member",
    Permission.START_RECORDING: "start-individual-record-call",
    Permission.STOP_RECORDING: "stop-individual-record-call",
    Permission.UPDATE_CALL: "update-call",
    Permission.UPDATE_CALL_MEMBERS: "update-call-member",
    Permission.UPDATE_CALL_SETTINGS: "update-call-settings",
}
"""Permissions to the names clients know them by (`OwnCapability`); the others have none."""


def own_capabilities(access: Access, mode: Mode) -> tuple[str, ...]:
    """What a caller may do in a call of this mode of recording, in alphabetical order."""
    return _named(access.permissions, mode)


def capabilities_by_role(grants: Grants, mode: Mode) -> dict[str, tuple[str, ...]]:
    """What each role may do by itself in calls of a type, where recording has this mode."""
    return {role: _named(granted(grants, {role}), mode) for role in sorted({*grants, OWNER})}


def _named(permissions: frozenset[Permission], mode: Mode) -> tuple[str, ...]:
    if mode is Mode.DISABLED:
        permissions -= {Permission.START_RECORDING}
    names = (name for permission, name in CAPABILITIES.items() if permission in permissions)
    return tuple(sorted(names))
