from __future__ import annotations

import pytest

from isotrack.recording.errors import Forbidden
from isotrack.recording.permissions import Caller, Permission, require, require_agent
from tests.builders import CALL

SERVER = Caller(server=True)
AGENT = Caller(agent_id="sfu-1")


def user(role: str | None = None, *cids: str) -> Caller:
    return Caller(user_id="bob", role=role, call_cids=cids)


@pytest.mark.parametrize("permission", list(Permission))
@pytest.mark.parametrize("role", ["admin", "host", "moderator"])
def test_who_runs_a_call_may_record_it(role: str, permission: Permission) -> None:
    require(user(role, CALL.cid), permission, CALL)


@pytest.mark.parametrize("permission", list(Permission))
def test_a_server_may_do_everything(permission: Permission) -> None:
    require(SERVER, permission, CALL)


@pytest.mark.parametrize(
    "caller",
    [
        user(),
        user("user", CALL.cid),
        user("stranger", CALL.cid),
        user("admin"),
        user("admin", "default:other"),
        AGENT,
    ],
    ids=["user", "role user", "unknown role", "role of no call", "role of another call", "agent"],
)
def test_others_may_not(caller: Caller) -> None:
    with pytest.raises(Forbidden, match="StartRecording in call default:standup"):
        require(caller, Permission.START_RECORDING, CALL)


def test_grants_decide_permission_by_permission() -> None:
    grants = {"user": frozenset({Permission.STOP_RECORDING})}
    require(user(), Permission.STOP_RECORDING, CALL, grants)
    with pytest.raises(Forbidden):
        require(user(), Permission.START_RECORDING, CALL, grants)


def test_an_agent_reports_for_itself_and_a_server_for_all() -> None:
    require_agent(AGENT, "sfu-1")
    require_agent(SERVER, "sfu-1")


@pytest.mark.parametrize("caller", [Caller(agent_id="sfu-2"), user("admin", CALL.cid)])
def test_nobody_else_reports_for_an_agent(caller: Caller) -> None:
    with pytest.raises(Forbidden, match="sfu-1"):
        require_agent(caller, "sfu-1")
