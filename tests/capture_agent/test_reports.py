from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from capture_agent.clock import Clock
from capture_agent.entries import (
    CallEnded,
    RecordingStarted,
    RecordingStopped,
    Reported,
    SessionSealed,
    SessionWithdrawn,
)
from capture_agent.journal import Journal
from capture_agent.reports import acknowledged, report_of
from isotrack.recording.agents import EgressState, ObservedEgress, Report
from tests.capture_agent.states import (
    ALICE,
    ARRIVAL_NS,
    AT,
    DESIRED,
    NAME,
    recorded_journal,
)

LATER = AT + timedelta(minutes=1)
RUNNING = ObservedEgress(egress_id="e1", state=EgressState.RUNNING)
STOPPED = ObservedEgress(egress_id="e1", state=EgressState.STOPPED, sealed={"s1": 1})


def told(journal: Journal) -> Report:
    """What the agent of a journal reports."""
    return report_of(journal.state, Clock(ARRIVAL_NS).real)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = recorded_journal(tmp_path)
    yield journal
    journal.close()


def test_a_report_has_the_calls_their_participants_and_recordings(journal: Journal):
    (hosted,) = told(journal).calls
    assert (hosted.call, hosted.call_session_id) == (NAME["call"], "cs")
    assert hosted.participants == (ALICE,)
    assert hosted.recordings == (RUNNING,)
    assert list(acknowledged(told(journal))) == []


def seal(journal: Journal) -> None:
    """The manifest of Alice's session is in the store."""
    journal.write(SessionSealed(**NAME, egress_id="e1", user_session_id="s1", at=LATER))


def test_a_recording_is_reported_running_until_all_its_manifests_are_written(journal: Journal):
    journal.write(RecordingStopped(**NAME, egress_id="e1", at=LATER))
    (hosted,) = told(journal).calls
    assert hosted.recordings == (RUNNING,)
    seal(journal)
    (hosted,) = told(journal).calls
    assert hosted.recordings == (STOPPED,)


def test_a_session_is_reported_sealed_while_the_recording_goes_on(journal: Journal):
    journal.write(SessionWithdrawn(**NAME, user_session_id="s1", at=LATER))
    assert told(journal).calls[0].recordings == (RUNNING,)
    seal(journal)
    assert told(journal).calls[0].recordings == (RUNNING.model_copy(update={"sealed": {"s1": 1}}),)
    journal.write(*acknowledged(told(journal)))
    assert told(journal).calls[0].recordings[0].sealed == {"s1": 1}


def test_an_agent_killed_while_it_sealed_says_after_it_that_it_seals(
    journal: Journal, tmp_path: Path
):
    journal.write(RecordingStopped(**NAME, egress_id="e1", at=LATER))
    after = Journal(tmp_path / "journal.jsonl")
    assert told(after) == told(journal)
    assert told(after).calls[0].recordings == (RUNNING,)
    after.close()


def test_a_recording_in_which_nobody_published_has_stopped_at_once(journal: Journal):
    journal.write(
        RecordingStopped(**NAME, egress_id="e1", at=LATER),
        RecordingStarted(desired=DESIRED.model_copy(update={"egress_id": "e2"})),
        RecordingStopped(**NAME, egress_id="e2", at=LATER),
    )
    _, empty = told(journal).calls[0].recordings
    assert empty == ObservedEgress(egress_id="e2", state=EgressState.STOPPED)


def test_times_are_told_as_they_are_and_not_as_a_rehearsal_shows_them(journal: Journal):
    clock = Clock(ARRIVAL_NS - 60_000_000_000, speed=2.0)
    (hosted,) = report_of(journal.state, clock.real).calls
    assert hosted.started_at == AT - timedelta(seconds=30)
    assert hosted.participants[0].joined_at == AT - timedelta(seconds=30)


def test_a_stopped_recording_is_reported_until_a_report_got_through(journal: Journal):
    journal.write(RecordingStopped(**NAME, egress_id="e1", at=LATER))
    seal(journal)
    report = told(journal)
    assert told(journal) == report
    journal.write(*acknowledged(report))
    (hosted,) = told(journal).calls
    assert hosted.recordings == ()


def test_an_ended_call_is_reported_until_a_report_got_through(journal: Journal):
    journal.write(CallEnded(**NAME, at=LATER))
    assert list(acknowledged(told(journal))) == [Reported(**NAME, stopped=(), ended=True)]
    seal(journal)
    report = told(journal)
    assert report.calls[0].ended_at == LATER
    assert report.calls[0].participants == ()
    assert list(acknowledged(report)) == [Reported(**NAME, stopped=("e1",), ended=True)]
    journal.write(*acknowledged(report))
    assert told(journal).calls == ()
