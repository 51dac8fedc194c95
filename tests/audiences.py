"""Those who watch calls of a control plane in memory."""

from __future__ import annotations

from datetime import datetime, timedelta

from isotrack.calls.connections import Connection
from isotrack.control.audience import Audience
from isotrack.recording.tracks import Call
from tests.builders import CALL, NOON
from tests.worlds import MemoryWorld


def audience_of(memory: MemoryWorld) -> Audience:
    """What is asked of a control plane to find out who may hear what."""
    return Audience(
        calls=memory.calls,
        members=memory.members,
        users=memory.users,
        call_types=memory.call_types,
        connections=memory.connections,
        app=memory.app,
    )


def watch(
    memory: MemoryWorld,
    user_id: str | None,
    connection_id: str | None = None,
    *,
    call: Call = CALL,
    role: str | None = None,
    call_cids: tuple[str, ...] = (),
    token_issued_at: datetime | None = NOON,
) -> Connection:
    """Let somebody connect and watch a call."""
    connection = Connection(
        connection_id=connection_id or f"of {user_id}",
        user_id=user_id,
        role=role,
        call_cids=call_cids,
        token_issued_at=token_issued_at,
        opened_at=NOON,
        expires_at=NOON + timedelta(hours=2),
    )
    memory.connections.open(connection)
    memory.connections.watch(connection, [call])
    return connection
