"""All tables of the control plane, in memory or in DynamoDB."""

from __future__ import annotations

from typing import NamedTuple

from isotrack.adapters.dynamodb import DynamoItems
from isotrack.adapters.dynamodb_agents import DynamoAgentTable
from isotrack.adapters.dynamodb_app import DynamoAppTable
from isotrack.adapters.dynamodb_call_types import DynamoCallTypeTable
from isotrack.adapters.dynamodb_calls import DynamoCallTable
from isotrack.adapters.dynamodb_connections import DynamoConnectionTable
from isotrack.adapters.dynamodb_members import DynamoMemberTable
from isotrack.adapters.dynamodb_outcomes import DynamoOutcomeTable, DynamoRecordingTable
from isotrack.adapters.dynamodb_progress import DynamoProgressTable
from isotrack.adapters.dynamodb_users import DynamoUserTable
from isotrack.control.ports import (
    AgentTable,
    AppTable,
    CallTable,
    CallTypeTable,
    ConnectionTable,
    MemberTable,
    ProgressTable,
    RecordingTable,
    UserTable,
)
from isotrack.pipeline.ports import OutcomeTable
from tests.builders import NOON
from tests.fakes import (
    MemoryAgentTable,
    MemoryAppTable,
    MemoryCallTable,
    MemoryCallTypeTable,
    MemoryConnectionTable,
    MemoryMemberTable,
    MemoryOutcomeTable,
    MemoryProgressTable,
    MemoryRecordingTable,
    MemoryUserTable,
)


class Tables(NamedTuple):
    """One of each; those that tell the time say that it is noon."""

    agents: AgentTable
    app: AppTable
    call_types: CallTypeTable
    calls: CallTable
    connections: ConnectionTable
    members: MemberTable
    outcomes: OutcomeTable
    progress: ProgressTable
    recordings: RecordingTable
    users: UserTable


def in_memory() -> Tables:
    """The twins."""
    outcomes = MemoryOutcomeTable()
    return Tables(
        agents=MemoryAgentTable(),
        app=MemoryAppTable(),
        call_types=MemoryCallTypeTable(),
        calls=MemoryCallTable(),
        connections=MemoryConnectionTable(),
        members=MemoryMemberTable(),
        outcomes=outcomes,
        progress=MemoryProgressTable(),
        recordings=MemoryRecordingTable(outcomes),
        users=MemoryUserTable(),
    )


def in_dynamodb(items: DynamoItems) -> Tables:
    """The adapters."""
    return Tables(
        agents=DynamoAgentTable(items),
        app=DynamoAppTable(items),
        call_types=DynamoCallTypeTable(items),
        calls=DynamoCallTable(items),
        connections=DynamoConnectionTable(items, lambda: NOON),
        members=DynamoMemberTable(items),
        outcomes=DynamoOutcomeTable(items),
        progress=DynamoProgressTable(items),
        recordings=DynamoRecordingTable(items),
        users=DynamoUserTable(items),
    )
