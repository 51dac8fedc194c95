from __future__ import annotations

import pytest

from isotrack.pipeline.stop import stop
from isotrack.recording.calls import CallRecord, CallSession, EgressStatus, Host
from isotrack.recording.errors import Conflict
from isotrack.recording.outputs import OutputType
from tests.builders import CALL, NOON, at
from tests.fakes import MemoryAgentQueues, MemoryCallTable


@pytest.fixture
def calls() -> MemoryCallTable:
    """With a call that is being recorded."""
    table = MemoryCallTable()
    hosts = {"sfu-1": Host(poke_queue_url="queue:sfu-1")}
    session = CallSession(call_session_id="session-1", started_at=NOON, hosts=hosts)
    record = CallRecord(call=CALL, session=session)
    table.save(record.start("egress-1", at(1), (OutputType.AUDIO_ONLY,), "isotrack"))
    return table


def test_a_stopped_recording_is_not_desired_and_its_agent_is_poked(calls: MemoryCallTable) -> None:
    queues = MemoryAgentQueues()
    stop(CALL, calls=calls, agents=queues, now=at(9))
    record = calls.records[CALL]
    assert record.desired("session-1") is None
    assert [(e.status, e.ended_at) for e in record.egresses] == [(EgressStatus.STOPPING, at(9))]
    assert queues.poked == ["queue:sfu-1"]


def test_a_recording_stopped_twice_is_a_conflict_and_pokes_nobody(calls: MemoryCallTable) -> None:
    stop(CALL, calls=calls, agents=MemoryAgentQueues(), now=at(9))
    queues = MemoryAgentQueues()
    with pytest.raises(Conflict, match="call egress is not running"):
        stop(CALL, calls=calls, agents=queues, now=at(10))
    assert queues.poked == []


def test_a_call_never_heard_of_is_not_stopped() -> None:
    with pytest.raises(Conflict, match="call egress is not running"):
        stop(CALL, calls=MemoryCallTable(), agents=MemoryAgentQueues(), now=NOON)
