from __future__ import annotations

from datetime import datetime

import pytest

from isotrack.pipeline.observe import ControlPlane, observe
from isotrack.pipeline.start import start
from isotrack.recording.calls import CallRecord
from isotrack.recording.errors import Conflict, Invalid
from isotrack.recording.outputs import OutputType
from isotrack.recording.settings import (
    CallSettings,
    EffectiveRecording,
    IndividualRecordingSettings,
    Mode,
)
from isotrack.recording.tracks import Call
from tests.builders import CALL, NOON, at, hosted, report
from tests.fakes import MemoryAgentQueues, MemoryAgentTable, MemoryBus, MemoryCallTable


def begin(
    calls: MemoryCallTable,
    queues: MemoryAgentQueues | None = None,
    *,
    storage: str | None = None,
    default: EffectiveRecording | None = None,
    now: datetime = NOON,
) -> str:
    return start(
        CALL,
        storage=storage,
        calls=calls,
        agents=queues or MemoryAgentQueues(),
        default=default or EffectiveRecording(),
        now=now,
    )


@pytest.fixture
def calls() -> MemoryCallTable:
    """With a call hosted by two agents."""
    table = MemoryCallTable()
    plane = ControlPlane(
        table, MemoryAgentTable(), MemoryAgentQueues(), MemoryBus(), EffectiveRecording()
    )
    for agent in ("sfu-1", "sfu-2"):
        observe(agent, report(hosted()), plane=plane, now=NOON)
    return table


def override(calls: MemoryCallTable, mode: Mode, *outputs: OutputType) -> None:
    section = IndividualRecordingSettings(mode=mode, output_types=outputs or None)
    record = calls.records[CALL]
    settings = CallSettings(individual_recording=section)
    calls.records[CALL] = record.model_copy(update={"settings_override": settings})


def test_a_started_recording_is_desired_with_its_id_zero_and_output_types(
    calls: MemoryCallTable,
) -> None:
    egress_id = begin(calls, now=at(5))
    desired = calls.records[CALL].desired("session-1")
    assert desired is not None
    assert desired.egress_id == egress_id
    assert desired.started_at == at(5)
    assert desired.output_types == EffectiveRecording().output_types
    assert desired.storage == "isotrack"


def test_each_agent_that_hosts_the_call_is_poked(calls: MemoryCallTable) -> None:
    queues = MemoryAgentQueues()
    begin(calls, queues)
    assert queues.poked == ["queue:sfu-1", "queue:sfu-2"]


def test_a_call_nobody_hosts_has_no_session_to_record() -> None:
    with pytest.raises(Invalid, match="there is no active session"):
        begin(MemoryCallTable())


def test_a_refused_start_pokes_nobody_and_writes_nothing(calls: MemoryCallTable) -> None:
    begin(calls)
    before, queues = dict(calls.records), MemoryAgentQueues()
    with pytest.raises(Conflict, match="call egress is already running"):
        begin(calls, queues)
    assert queues.poked == []
    assert calls.records == before


def test_a_call_whose_settings_disable_recording_is_not_recorded(calls: MemoryCallTable) -> None:
    override(calls, Mode.DISABLED)
    with pytest.raises(Invalid, match="disabled in the settings of call default:standup"):
        begin(calls)


def test_the_settings_of_the_call_type_count_where_the_call_has_none(
    calls: MemoryCallTable,
) -> None:
    section = IndividualRecordingSettings(
        mode=Mode.AVAILABLE, output_types=(OutputType.VIDEO_ONLY,)
    )
    calls.settings["default"] = CallSettings(individual_recording=section)
    begin(calls, default=EffectiveRecording(mode=Mode.DISABLED))
    egress = calls.records[CALL].active_egress
    assert egress is not None
    assert egress.output_types == (OutputType.VIDEO_ONLY,)


def test_a_storage_nobody_knows_is_refused_by_name(calls: MemoryCallTable) -> None:
    with pytest.raises(Invalid, match=r"recording_external_storage: .*'glacier'"):
        begin(calls, storage="glacier")


def test_our_own_storage_may_be_named(calls: MemoryCallTable) -> None:
    assert begin(calls, storage="isotrack")


class Interrupted(MemoryCallTable):
    """A table in which a second start happens between the first one's read and write."""

    def __init__(self, table: MemoryCallTable) -> None:
        super().__init__()
        self.records = table.records
        self.winner: str | None = None

    def get(self, call: Call) -> CallRecord | None:
        record = super().get(call)
        if self.winner is None:
            self.winner = "about to start"
            self.winner = begin(self)
        return record


def test_of_two_starts_at_once_one_wins_and_the_other_is_refused(calls: MemoryCallTable) -> None:
    contested = Interrupted(calls)
    with pytest.raises(Conflict, match="already running"):
        begin(contested)
    egresses = contested.records[CALL].egresses
    assert [egress.egress_id for egress in egresses] == [contested.winner]
