"""A whole control plane in memory, with the people of the tests in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from isotrack.calls.grants import Grants
from isotrack.calls.members import Member
from isotrack.calls.permissions import Caller
from isotrack.calls.records import CallRecord
from isotrack.calls.users import User
from isotrack.contract.call_types import CreateCallTypeRequest, UpdateCallTypeRequest
from isotrack.contract.calls import GetOrCreateCallRequest, GetOrCreateCallResponse
from isotrack.control.call_types import create_call_type, update_call_type
from isotrack.control.get_or_create import get_or_create
from isotrack.control.world import World
from isotrack.recording.tracks import Call
from tests.builders import CALL, NOON
from tests.fakes import (
    MemoryAgentQueues,
    MemoryAgentTable,
    MemoryAppTable,
    MemoryBus,
    MemoryCallTable,
    MemoryCallTypeTable,
    MemoryConnectionTable,
    MemoryMemberTable,
    MemoryUserTable,
)

SERVER = Caller(server=True)


class ContestedCallTable(MemoryCallTable):
    """A table in which somebody else is faster once: between a verb's read and its write."""

    def __init__(self, table: MemoryCallTable, rival: Callable[[], object]) -> None:
        super().__init__()
        self.records, self.egresses = table.records, table.egresses
        self._rival: Callable[[], object] | None = rival

    def save(self, record: CallRecord) -> CallRecord:
        if self._rival is not None:
            rival, self._rival = self._rival, None
            rival()
        return super().save(record)


@dataclass
class MemoryWorld:
    calls: MemoryCallTable = field(default_factory=MemoryCallTable)
    members: MemoryMemberTable = field(default_factory=MemoryMemberTable)
    users: MemoryUserTable = field(default_factory=MemoryUserTable)
    call_types: MemoryCallTypeTable = field(default_factory=MemoryCallTypeTable)
    connections: MemoryConnectionTable = field(default_factory=MemoryConnectionTable)
    app: MemoryAppTable = field(default_factory=MemoryAppTable)
    agents: MemoryAgentTable = field(default_factory=MemoryAgentTable)
    queues: MemoryAgentQueues = field(default_factory=MemoryAgentQueues)
    bus: MemoryBus = field(default_factory=MemoryBus)

    @property
    def world(self) -> World:
        """What verbs are given."""
        return World(
            calls=self.calls,
            members=self.members,
            users=self.users,
            call_types=self.call_types,
            connections=self.connections,
            app=self.app,
            agents=self.agents,
            queues=self.queues,
            bus=self.bus,
        )

    def contest(self, rival: Callable[[], object]) -> None:
        """Let somebody write the call between the read and the write of the next who does."""
        self.calls = ContestedCallTable(self.calls, rival)

    def user(self, user_id: str, **changes: Any) -> Caller:
        """Make a user, and give them as the one who asks."""
        fields = {"user_id": user_id, "created_at": NOON, "updated_at": NOON, **changes}
        self.users.save(User.model_validate(fields))
        return Caller(user_id=user_id)

    def member(self, user_id: str, role: str | None = None, call: Call = CALL) -> None:
        """Make a user a member of a call."""
        member = Member(user_id=user_id, role=role, created_at=NOON, updated_at=NOON)
        self.members.put(call, [member])

    def grant(self, grants: Grants, call_type: str = "default") -> None:
        """Replace what some roles are granted in a call type."""
        asked = {role: tuple(ids) for role, ids in grants.items()}
        update_call_type(call_type, UpdateCallTypeRequest(grants=asked), world=self.world, now=NOON)

    def call_type(self, name: str) -> None:
        """Make a call type."""
        create_call_type(CreateCallTypeRequest(name=name), world=self.world, now=NOON)

    def create(
        self, caller: Caller = SERVER, *, call: Call = CALL, now: datetime = NOON, **data: Any
    ) -> GetOrCreateCallResponse:
        """Create a call; a server does it for alice."""
        if caller.server and "created_by_id" not in data and "created_by" not in data:
            if "alice" not in self.users.users:
                self.user("alice")
            data["created_by_id"] = "alice"
        request = GetOrCreateCallRequest.model_validate({"data": data})
        return get_or_create(call, request, caller=caller, world=self.world, now=now)
