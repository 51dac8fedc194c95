"""The world as the verbs of the control plane see it: every port that calls and people need."""

from __future__ import annotations

from typing import NamedTuple

from isotrack.contract.settings import DEFAULT_SETTINGS, CallSettingsResponse
from isotrack.control.ports import (
    AgentQueues,
    AgentTable,
    AppTable,
    CallTable,
    CallTypeTable,
    ConnectionTable,
    EventBus,
    MemberTable,
    UserTable,
)


class World(NamedTuple):
    """One of each; wired once for each function (`functions.runtime`), and in memory for tests."""

    calls: CallTable
    members: MemberTable
    users: UserTable
    call_types: CallTypeTable
    connections: ConnectionTable
    app: AppTable
    agents: AgentTable
    queues: AgentQueues
    bus: EventBus
    default: CallSettingsResponse = DEFAULT_SETTINGS
    """Settings where neither a call nor its type says anything."""
