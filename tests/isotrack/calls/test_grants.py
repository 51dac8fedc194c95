from __future__ import annotations

import pytest

from isotrack.calls.grants import DEFAULT_GRANTS, Permission, granted

EVERYTHING = frozenset(Permission)
SUFFIXES = {"": True, "-any-team": True, "-owner": False, "-owner-any-team": False}
"""Suffixes of ids, and whether one that has it counts for others than the owner."""


def ids() -> list[tuple[Permission, str]]:
    return [(permission, name) for permission in Permission for name in sorted(permission.ids)]


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("admin", EVERYTHING),
        ("host", EVERYTHING),
        ("moderator", EVERYTHING),
        ("owner", EVERYTHING),
        (
            "call_member",
            {Permission.READ_CALL, Permission.JOIN_CALL, Permission.LIST_RECORDINGS},
        ),
        ("user", {Permission.CREATE_CALL}),
        ("guest", frozenset()),
        ("", frozenset()),
    ],
)
def test_each_role_has_its_default_grants(role: str, expected: frozenset[Permission]) -> None:
    assert granted(DEFAULT_GRANTS, {role}) == expected


def test_nobody_without_a_role_is_granted_anything() -> None:
    assert granted(DEFAULT_GRANTS, ()) == frozenset()


@pytest.mark.parametrize(("permission", "name"), ids())
@pytest.mark.parametrize("suffix", list(SUFFIXES))
@pytest.mark.parametrize("owner", [False, True])
def test_an_id_grants_its_permission_and_no_other(
    permission: Permission, name: str, suffix: str, owner: bool
) -> None:
    grants = {"user": ["read-call", name + suffix], "owner": []}
    roles = {"user", "owner"} if owner else {"user"}
    expected = {Permission.READ_CALL}
    if owner or SUFFIXES[suffix]:
        expected.add(permission)
    assert granted(grants, roles) == expected


@pytest.mark.parametrize(("permission", "name"), ids())
def test_who_may_not_read_a_call_may_do_nothing_in_it_but_create_it(
    permission: Permission, name: str
) -> None:
    readable = {Permission.READ_CALL, Permission.CREATE_CALL}
    assert granted({"user": [name]}, {"user"}) == readable & {permission}


def test_the_roles_of_a_user_add_up() -> None:
    grants = {"a": ["read-call"], "b": ["start-recording"]}
    assert granted(grants, {"a", "b"}) == {Permission.READ_CALL, Permission.START_RECORDING}
    assert granted(grants, {"b"}) == frozenset()


@pytest.mark.parametrize(
    "unknown",
    [
        "send-audio",
        "start-record-call",
        "start-raw-recording",
        "START-RECORDING",
        "start-recording-",
        "start-recording-owners",
        "start-recording-any-team-owner-x",
        "-owner",
        "",
    ],
)
def test_an_id_nobody_knows_grants_nothing(unknown: str) -> None:
    assert granted({"user": ["read-call", unknown]}, {"user"}) == {Permission.READ_CALL}


def test_no_id_grants_two_permissions() -> None:
    every = [name for _, name in ids()]
    assert len(every) == len(set(every))


def test_a_permission_is_named_in_messages_as_its_operation() -> None:
    assert Permission.START_RECORDING.operation == "StartRecording"
    assert Permission.LIST_RECORDINGS.operation == "ListRecordings"
