from __future__ import annotations

import pytest

from isotrack.pipeline.observe import ControlPlane, observe
from isotrack.pipeline.start import start
from isotrack.pipeline.stop import stop
from isotrack.recording.agents import DesiredState, EgressState, HostedCall
from isotrack.recording.errors import Transient
from isotrack.recording.settings import EffectiveRecording, Mode
from isotrack.recording.tracks import Call
from tests.builders import CALL, NOON, at, hosted, report
from tests.fakes import MemoryAgentQueues, MemoryAgentTable, MemoryBus, MemoryCallTable


class World:
    """A control plane in memory and the agent `sfu-1`."""

    def __init__(self, mode: Mode = Mode.AVAILABLE) -> None:
        self.calls = MemoryCallTable()
        self.agents = MemoryAgentTable()
        self.queues = MemoryAgentQueues()
        self.bus = MemoryBus()
        self.default = EffectiveRecording(mode=mode)

    def report(self, *calls: HostedCall, agent: str = "sfu-1", seconds: float = 0) -> DesiredState:
        plane = ControlPlane(self.calls, self.agents, self.queues, self.bus, self.default)
        return observe(agent, report(*calls), plane=plane, now=at(seconds))

    def start(self) -> str:
        return start(
            CALL,
            storage=None,
            calls=self.calls,
            agents=self.queues,
            default=self.default,
            now=at(5),
        )

    def stop(self) -> None:
        stop(CALL, calls=self.calls, agents=self.queues, now=at(20))


def test_the_first_report_of_an_agent_makes_its_queue_and_later_ones_find_it() -> None:
    world = World()
    assert world.report().poke_queue_url == "queue:sfu-1"
    assert world.report().poke_queue_url == "queue:sfu-1"
    assert world.queues.created == ["sfu-1"]


def test_nothing_is_desired_of_a_call_nobody_asked_to_record() -> None:
    assert World().report(hosted()).recordings == ()


def test_a_recording_goes_from_start_to_stop_and_each_is_told_once() -> None:
    world = World()
    world.report(hosted())
    egress_id = world.start()
    assert [e.egress_id for e in world.report(hosted()).recordings] == [egress_id]
    assert world.bus.types == []
    running = hosted(recordings={egress_id: EgressState.RUNNING})
    for _ in range(2):
        assert [e.egress_id for e in world.report(running, seconds=7).recordings] == [egress_id]
    assert world.bus.types == ["call.recording_started"]
    world.stop()
    assert world.report(running, seconds=21).recordings == ()
    for _ in range(2):
        world.report(hosted(recordings={egress_id: EgressState.STOPPED}), seconds=22)
    assert world.bus.types == ["call.recording_started", "call.recording_stopped"]
    assert [event.egress_id for event in world.bus.events] == [egress_id, egress_id]
    kept = world.calls.stopped(CALL, egress_id)
    assert kept is not None
    assert (kept.started_at, kept.observed_at, kept.ended_at) == (at(5), at(7), at(20))


def test_an_event_the_bus_refused_is_sent_with_the_next_report_under_the_same_id() -> None:
    world = World()
    world.report(hosted())
    running = hosted(recordings={world.start(): EgressState.RUNNING})
    world.bus.refusals = 1
    with pytest.raises(Transient):
        world.report(running, seconds=7)
    waiting = world.calls.records[CALL].outbox
    world.report(running, seconds=9)
    assert tuple(world.bus.events) == waiting
    assert world.bus.events[0].created_at == at(7)
    assert world.calls.records[CALL].outbox == ()


def test_a_call_that_is_auto_on_is_recorded_from_its_first_report() -> None:
    world = World(Mode.AUTO_ON)
    (desired,) = world.report(hosted(), seconds=3).recordings
    assert desired.started_at == at(3)
    assert desired.call_session_id == "session-1"


def test_auto_on_starts_once_in_a_session_so_that_a_stop_lasts() -> None:
    world = World(Mode.AUTO_ON)
    (desired,) = world.report(hosted()).recordings
    world.stop()
    stopped = hosted(recordings={desired.egress_id: EgressState.STOPPED})
    assert world.report(stopped).recordings == ()
    assert world.report(hosted()).recordings == ()


def test_auto_on_starts_again_in_the_next_session() -> None:
    world = World(Mode.AUTO_ON)
    (first,) = world.report(hosted()).recordings
    world.report(hosted(ended_at=at(60)))
    (second,) = world.report(hosted(session="session-2", started_at=at(90)), seconds=91).recordings
    assert second.egress_id != first.egress_id
    assert second.call_session_id == "session-2"


def test_nothing_is_desired_of_a_call_that_has_ended() -> None:
    world = World(Mode.AUTO_ON)
    assert world.report(hosted(ended_at=at(60))).recordings == ()


def test_two_agents_that_host_a_call_record_the_same_recording() -> None:
    world = World(Mode.AUTO_ON)
    (one,) = world.report(hosted()).recordings
    (other,) = world.report(hosted(), agent="sfu-2").recordings
    assert other == one


def test_the_answer_is_about_the_reported_calls_and_no_others() -> None:
    world = World(Mode.AUTO_ON)
    other = Call(call_type="default", call_id="retro")
    world.report(hosted())
    answer = world.report(hosted(call=other), agent="sfu-2")
    assert [egress.call for egress in answer.recordings] == [other]


def test_a_report_that_says_nothing_new_writes_nothing() -> None:
    world = World()
    world.report(hosted())
    version = world.calls.records[CALL].version
    world.report(hosted(), seconds=30)
    assert world.calls.records[CALL].version == version
    session = world.calls.records[CALL].session
    assert session is not None
    assert session.started_at == NOON
