"""Who may do what in a call: every kind of caller, every operation, default and changed grants."""

from __future__ import annotations

from datetime import datetime

import pytest

from isotrack.calls.call_types import BUILT_IN
from isotrack.calls.grants import DEFAULT_GRANTS, Grants, Permission
from isotrack.calls.members import Member
from isotrack.calls.permissions import (
    Access,
    Caller,
    require_agent,
    require_server,
    roles_in,
)
from isotrack.calls.records import CallRecord
from isotrack.calls.users import User
from isotrack.recording.errors import Forbidden
from tests.builders import CALL, NOON, at

P = Permission
SERVER = Caller(server=True)
AGENT = Caller(agent_id="sfu-1")
BOB = Caller(user_id="bob")
RECORD = CallRecord(call=CALL, created_by_id="alice")
BOBS = CallRecord(call=CALL, created_by_id="bob")
NOBODYS = CallRecord(call=CALL)

EVERYTHING = frozenset(P)
NOTHING: frozenset[P] = frozenset()
CREATE = frozenset({P.CREATE_CALL})
MEMBERS = frozenset({P.READ_CALL, P.JOIN_CALL, P.LIST_RECORDINGS}) | CREATE


def token(role: str | None, *cids: str) -> Caller:
    return Caller(user_id="bob", role=role, call_cids=cids)


def user(role: str) -> User:
    return User(user_id="bob", role=role, created_at=NOON, updated_at=NOON)


def member(role: str | None = None) -> Member:
    return Member(user_id="bob", role=role, created_at=NOON, updated_at=NOON)


def access(
    caller: Caller,
    record: CallRecord = RECORD,
    *,
    user: User | None = None,
    member: Member | None = None,
    grants: Grants = DEFAULT_GRANTS,
) -> Access:
    return Access(caller, record.call, roles_in(caller, user, member, record), grants)


def allowed(access: Access) -> set[Permission]:
    passed = set()
    for permission in Permission:
        try:
            access.require(permission)
        except Forbidden:
            continue
        passed.add(permission)
    return passed


STANDINGS = {
    "a server": (access(SERVER), EVERYTHING),
    "a server, of a call nobody created": (access(SERVER, NOBODYS), EVERYTHING),
    "an agent": (access(AGENT), NOTHING),
    "nobody": (access(Caller()), NOTHING),
    "nobody, of a call nobody created": (access(Caller(), NOBODYS), NOTHING),
    "a user never heard of": (access(BOB), CREATE),
    "a user": (access(BOB, user=user("user")), CREATE),
    "a user, of a call nobody created": (access(BOB, NOBODYS), CREATE),
    "a user of a foreign role": (access(BOB, user=user("stranger")), NOTHING),
    "a guest": (access(BOB, user=user("guest")), NOTHING),
    "an admin": (access(BOB, user=user("admin")), EVERYTHING),
    "a host": (access(BOB, user=user("host")), EVERYTHING),
    "a moderator": (access(BOB, user=user("moderator")), EVERYTHING),
    "the owner": (access(BOB, BOBS), EVERYTHING),
    "the owner, a guest": (access(BOB, BOBS, user=user("guest")), EVERYTHING),
    "a member": (access(BOB, member=member()), MEMBERS),
    "a member by role": (access(BOB, member=member("call_member")), MEMBERS),
    "a member, a user": (access(BOB, member=member("user")), CREATE),
    "a member, an admin there": (access(BOB, member=member("admin")), EVERYTHING),
    "a member, a host there": (access(BOB, member=member("host")), EVERYTHING),
    "a member, a moderator there": (access(BOB, member=member("moderator")), EVERYTHING),
    "a member of a foreign role": (access(BOB, member=member("stranger")), CREATE),
    "a call token": (access(token(None, CALL.cid)), MEMBERS),
    "a call token of admins": (access(token("admin", CALL.cid)), EVERYTHING),
    "a call token of hosts": (access(token("host", CALL.cid)), EVERYTHING),
    "a call token of several calls": (access(token("host", "a:b", CALL.cid)), EVERYTHING),
    "a call token of users": (access(token("user", CALL.cid)), CREATE),
    "a call token of a foreign role": (access(token("stranger", CALL.cid)), CREATE),
    "a call token of another call": (access(token("admin", "default:other")), CREATE),
    "a call token of another type": (access(token("admin", "other:standup")), CREATE),
    "a call token of a longer id": (access(token("admin", f"{CALL.cid}2")), CREATE),
    "a call token of no call": (access(token("admin")), CREATE),
    "a call token takes nothing away": (
        access(token("user", CALL.cid), user=user("admin")),
        EVERYTHING,
    ),
}


@pytest.mark.parametrize(
    ("access", "expected"), list(STANDINGS.values()), ids=[str(name) for name in STANDINGS]
)
def test_by_default_everybody_may_do_just_this(
    access: Access, expected: frozenset[Permission]
) -> None:
    assert allowed(access) == expected


STANDINGS_BY_ROLES = {
    ("user",): access(BOB),
    ("user", "call_member"): access(BOB, member=member()),
    ("user", "owner"): access(BOB, BOBS),
    ("user", "host"): access(BOB, member=member("host")),
    ("user", "speaker"): access(BOB, member=member("speaker")),
    ("user", "moderator"): access(token("moderator", CALL.cid)),
    ("admin",): access(BOB, user=user("admin")),
    ("admin", "owner", "host"): access(BOB, BOBS, user=user("admin"), member=member("host")),
}


@pytest.mark.parametrize("role", ["user", "call_member", "owner", "host", "admin", "speaker"])
@pytest.mark.parametrize("permission", list(Permission))
@pytest.mark.parametrize("suffix", ["", "-owner", "-any-team"])
def test_changed_grants_decide_role_by_role_and_operation_by_operation(
    role: str, permission: Permission, suffix: str
) -> None:
    grants = {role: ("read-call", permission.value + suffix)}
    for roles, standing in STANDINGS_BY_ROLES.items():
        may = allowed(standing._replace(grants=grants))
        if role not in roles:
            assert may == set()
        elif suffix == "-owner" and "owner" not in roles:
            assert may == {P.READ_CALL}
        else:
            assert may == {P.READ_CALL, permission}


@pytest.mark.parametrize("name", ["livestream", "audio_room"])
def test_everybody_may_come_to_a_stage_and_run_their_own(name: str) -> None:
    grants = BUILT_IN[name].grants
    coming = {P.CREATE_CALL, P.READ_CALL, P.JOIN_CALL}
    assert allowed(access(BOB, grants=grants)) == coming
    assert allowed(access(BOB, member=member(), grants=grants)) == coming | {P.LIST_RECORDINGS}
    assert allowed(access(BOB, BOBS, grants=grants)) == EVERYTHING
    guest = access(BOB, user=user("guest"), grants=grants)
    assert allowed(guest) == {P.READ_CALL, P.JOIN_CALL}


def test_everybody_may_do_everything_in_development() -> None:
    assert allowed(access(BOB, grants=BUILT_IN["development"].grants)) == EVERYTHING


def test_a_refusal_says_who_lacks_what_where() -> None:
    with pytest.raises(
        Forbidden,
        match=r"^user 'bob' \(roles: call_member, user\) lacks StartRecording "
        r"in call default:standup$",
    ):
        access(BOB, member=member()).require(P.START_RECORDING)


@pytest.mark.parametrize(
    ("issued_at", "before", "revoked"),
    [
        (at(0), None, False),
        (None, None, False),
        (at(0), at(1), True),
        (at(1), at(1), False),
        (at(2), at(1), False),
        (None, at(1), True),
    ],
)
def test_tokens_issued_before_a_revocation_are_worth_nothing(
    issued_at: datetime | None, before: datetime | None, revoked: bool
) -> None:
    assert Caller(user_id="bob", issued_at=issued_at).revoked(before) is revoked
    assert not Caller(server=True, issued_at=issued_at).revoked(before)
    assert not Caller(agent_id="sfu-1", issued_at=issued_at).revoked(before)


def test_an_agent_reports_for_itself_and_a_server_for_all() -> None:
    require_agent(AGENT, "sfu-1")
    require_agent(SERVER, "sfu-1")


@pytest.mark.parametrize("caller", [Caller(agent_id="sfu-2"), token("admin", CALL.cid), Caller()])
def test_nobody_else_reports_for_an_agent(caller: Caller) -> None:
    with pytest.raises(Forbidden, match="sfu-1"):
        require_agent(caller, "sfu-1")


def test_what_concerns_more_than_one_call_takes_a_server() -> None:
    require_server(SERVER, "UpdateCallType")
    for caller in (BOB, AGENT, token("admin", CALL.cid), Caller()):
        with pytest.raises(Forbidden, match="UpdateCallType"):
            require_server(caller, "UpdateCallType")
