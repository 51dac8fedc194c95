from __future__ import annotations

import pytest

from isotrack.calls.egresses import Egress, EgressStatus
from isotrack.calls.permissions import Caller
from isotrack.calls.sessions import CallSession, Host, Participant
from isotrack.contract.events import CallEndedEvent
from isotrack.control.end_call import end_call
from isotrack.recording.errors import Forbidden, Missing
from isotrack.recording.outputs import DEFAULT_OUTPUT_TYPES
from isotrack.recording.tracks import Call
from tests.builders import CALL, NOON, at
from tests.worlds import SERVER, MemoryWorld


@pytest.fixture
def memory() -> MemoryWorld:
    """With a call of alice's in which bob is, and which is recorded."""
    memory = MemoryWorld()
    memory.user("bob")
    memory.create(members=[{"user_id": "bob"}])
    session = CallSession(
        call_session_id="s-1",
        started_at=NOON,
        hosts={"sfu-1": Host(poke_queue_url="queue:sfu-1", user_session_ids=("bob-1",))},
        participants=(Participant(user_id="bob", user_session_id="bob-1", joined_at=NOON),),
    )
    record = memory.calls.records[CALL].model_copy(update={"session": session})
    egress = Egress(
        egress_id="e-1",
        call_session_id="s-1",
        started_at=NOON,
        output_types=DEFAULT_OUTPUT_TYPES,
        status=EgressStatus.RUNNING,
        observed_at=NOON,
        agents=("sfu-1",),
    )
    memory.calls.save(record.model_copy(update={"egresses": (egress,)}))
    memory.bus.events.clear()
    return memory


def end(memory: MemoryWorld, caller: Caller, call: Call = CALL) -> None:
    end_call(call, caller=caller, world=memory.world, now=at(60))


def test_the_session_and_the_recording_end_with_the_call(memory: MemoryWorld) -> None:
    end(memory, SERVER)
    record = memory.calls.records[CALL]
    assert record.ended_at == at(60)
    assert record.active_session is None
    assert record.active_egress is None
    assert record.desired("s-1") is None


def test_agents_are_told_to_ask_again(memory: MemoryWorld) -> None:
    end(memory, SERVER)
    assert memory.queues.poked == ["queue:sfu-1"]


def test_who_watches_is_told_who_ended_it(memory: MemoryWorld) -> None:
    end(memory, Caller(user_id="alice"))
    ended, *others = memory.bus.events
    assert isinstance(ended, CallEndedEvent)
    assert ended.user is not None
    assert ended.user.id == "alice"
    assert ended.call.ended_at == at(60)
    assert {event.type for event in others} == {
        "call.session_participant_left",
        "call.session_ended",
    }


def test_a_call_ended_twice_is_told_once(memory: MemoryWorld) -> None:
    end(memory, SERVER)
    told = list(memory.bus.events)
    end(memory, SERVER)
    assert memory.bus.events == told


def test_members_may_not_end_it(memory: MemoryWorld) -> None:
    with pytest.raises(Forbidden, match="lacks EndCall"):
        end(memory, Caller(user_id="bob"))
    assert memory.calls.records[CALL].ended_at is None


def test_a_call_nobody_created_cannot_be_ended(memory: MemoryWorld) -> None:
    with pytest.raises(Missing):
        end(memory, SERVER, Call(call_type="default", call_id="never"))
