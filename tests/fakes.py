"""Twins of the ports' adapters that live in memory; the contract tests run against both."""

from __future__ import annotations

from tests.twins.agents import MemoryAgentQueues, MemoryAgentTable
from tests.twins.calls import MemoryCallTable, MemoryCallTypeTable
from tests.twins.connections import MemoryConnections, MemoryConnectionTable
from tests.twins.people import MemoryAppTable, MemoryMemberTable, MemoryUserTable
from tests.twins.receivers import FakeEndpoint, MemoryBus, MemoryExecutions
from tests.twins.recordings import MemoryOutcomeTable, MemoryProgressTable, MemoryRecordingTable

__all__ = [
    "FakeEndpoint",
    "MemoryAgentQueues",
    "MemoryAgentTable",
    "MemoryAppTable",
    "MemoryBus",
    "MemoryCallTable",
    "MemoryCallTypeTable",
    "MemoryConnectionTable",
    "MemoryConnections",
    "MemoryExecutions",
    "MemoryMemberTable",
    "MemoryOutcomeTable",
    "MemoryProgressTable",
    "MemoryRecordingTable",
    "MemoryUserTable",
]
