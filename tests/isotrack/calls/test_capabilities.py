from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import pytest

from isotrack.calls.call_types import BUILT_IN
from isotrack.calls.capabilities import CAPABILITIES, capabilities_by_role, own_capabilities
from isotrack.calls.grants import Grants, Permission
from isotrack.calls.permissions import Access, Caller
from isotrack.recording.errors import Forbidden
from isotrack.recording.settings import Mode
from tests.builders import CALL

BOB = Caller(user_id="bob")
ROLES = ("user", "call_member", "owner", "host", "guest")
SUFFIXES = ("", "-owner", "-any-team")
SERVER_CAPABILITIES = (
    "create-call",
    "end-call",
    "join-call",
    "read-call",
    "remove-call-member",
    "start-individual-record-call",
    "stop-individual-record-call",
    "update-call",
    "update-call-member",
    "update-call-settings",
)


def every_grants() -> Iterator[tuple[str, Grants]]:
    """Those built in, and each permission granted to users by each of its ids."""
    for name, call_type in BUILT_IN.items():
        yield name, call_type.grants
    for permission in Permission:
        for granted_id in sorted(permission.ids):
            for suffix in SUFFIXES:
                yield granted_id + suffix, {"user": ("read-call", granted_id + suffix)}
                yield f"{granted_id}{suffix} unread", {"host": (granted_id + suffix,)}


def may(access: Access, permission: Permission) -> bool:
    try:
        access.require(permission)
    except Forbidden:
        return False
    return True


@pytest.mark.parametrize(
    "grants", [g for _, g in every_grants()], ids=[name for name, _ in every_grants()]
)
def test_own_capabilities_are_what_the_server_allows(grants: Grants) -> None:
    for count in range(len(ROLES) + 1):
        for roles in combinations(ROLES, count):
            access = Access(BOB, CALL, frozenset(roles), grants)
            expected = {name for p, name in CAPABILITIES.items() if may(access, p)}
            assert set(own_capabilities(access, Mode.AVAILABLE)) == expected
            start = {"start-individual-record-call"}
            assert set(own_capabilities(access, Mode.DISABLED)) == expected - start


def test_a_server_has_them_all_and_an_agent_none() -> None:
    assert own_capabilities(Access(Caller(server=True), CALL), Mode.AUTO_ON) == SERVER_CAPABILITIES
    assert own_capabilities(Access(Caller(agent_id="sfu-1"), CALL), Mode.AUTO_ON) == ()


def test_what_is_not_done_here_is_never_among_them() -> None:
    grants = {"user": ("read-call", "send-audio", "mute-users", "start-record-call")}
    access = Access(BOB, CALL, frozenset({"user"}), grants)
    assert own_capabilities(access, Mode.AVAILABLE) == ("read-call",)


def test_roles_are_listed_with_what_each_may_do_by_itself() -> None:
    by_role = capabilities_by_role(BUILT_IN["livestream"].grants, Mode.AVAILABLE)
    assert by_role["host"] == SERVER_CAPABILITIES
    assert by_role["user"] == ("create-call", "join-call", "read-call")
    assert by_role["call_member"] == ("join-call", "read-call")
    assert by_role["guest"] == ("join-call", "read-call")


def test_nobody_is_told_to_start_what_is_disabled() -> None:
    by_role = capabilities_by_role(BUILT_IN["default"].grants, Mode.DISABLED)
    assert "start-individual-record-call" not in by_role["host"]
    assert "stop-individual-record-call" in by_role["host"]
