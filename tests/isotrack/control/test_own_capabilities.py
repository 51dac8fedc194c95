"""What clients are told that they may do is what they are let do: every role, every operation."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from isotrack.calls.grants import DEFAULT_GRANTS
from isotrack.calls.permissions import Caller
from isotrack.contract.calls import GetCallQuery, UpdateCallRequest
from isotrack.contract.members import UpdateCallMembersRequest
from isotrack.control.change_call import change_call
from isotrack.control.end_call import end_call
from isotrack.control.get_call import get_call
from isotrack.control.update_members import update_members
from isotrack.recording.errors import Forbidden
from tests.builders import CALL, NOON
from tests.worlds import MemoryWorld

Operation = Callable[[MemoryWorld, Caller], object]


def change(fields: dict[str, object]) -> Operation:
    request = UpdateCallRequest.model_validate(fields)
    return lambda memory, caller: change_call(
        CALL, request, caller=caller, world=memory.world, now=NOON
    )


def members(fields: dict[str, object]) -> Operation:
    request = UpdateCallMembersRequest.model_validate(fields)
    return lambda memory, caller: update_members(
        CALL, request, caller=caller, world=memory.world, now=NOON
    )


OPERATIONS: dict[str, Operation] = {
    "update-call": change({"custom": {"room": 8}}),
    "update-call-settings": change(
        {"settings_override": {"individual_recording": {"mode": "auto-on"}}}
    ),
    "update-call-member": members({"update_members": [{"user_id": "other"}]}),
    "remove-call-member": members({"remove_members": ["other"]}),
    "end-call": lambda memory, caller: end_call(CALL, caller=caller, world=memory.world, now=NOON),
}
ROLES = (*DEFAULT_GRANTS, "guest")
READER = ("read-call", "update-call")
GRANTS: dict[str, tuple[str, ...]] = {
    "default": (),
    "everything": ("read-call", *OPERATIONS),
    "nothing": ("none",),
    "owners only": ("read-call", *(f"{operation}-owner" for operation in OPERATIONS)),
    "all but reading": tuple(OPERATIONS),
    **{f"{each} alone": (*READER, each) for each in OPERATIONS},
}


def caller_of(memory: MemoryWorld, role: str) -> Caller:
    """Somebody who has this role in the call."""
    if role == "owner":
        return Caller(user_id="alice")
    if role == "call_member":
        memory.user("cleo")
        memory.member("cleo")
        return Caller(user_id="cleo")
    return memory.user("cleo", role=role)


@pytest.mark.parametrize("granted", GRANTS)
@pytest.mark.parametrize("role", ROLES)
def test_own_capabilities_are_what_the_server_allows(role: str, granted: str) -> None:
    for capability, operation in OPERATIONS.items():
        memory = MemoryWorld()
        memory.user("other")
        memory.create()
        caller = caller_of(memory, role)
        if granted != "default":
            memory.grant({role: GRANTS[granted]})
        try:
            state = get_call(CALL, GetCallQuery(), caller=caller, world=memory.world)
            told = capability in state.own_capabilities
        except Forbidden:
            told = False
        before = (memory.calls.records[CALL], dict(memory.members.members.get(CALL, {})))
        try:
            operation(memory, caller)
            allowed = True
        except Forbidden:
            allowed = False
        assert allowed == told, f"{capability}: told {told}, allowed {allowed}"
        after = (memory.calls.records[CALL], dict(memory.members.members.get(CALL, {})))
        assert allowed or after == before
