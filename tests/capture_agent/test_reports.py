from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from capture_agent.entries import CallEnded, RecordingStopped, Reported
from capture_agent.journal import Journal
from capture_agent.reports import acknowledged, report_of
from isotrack.recording.agents import EgressState, ObservedEgress
from tests.capture_agent.states import ALICE, AT, NAME, recorded_journal

LATER = AT + timedelta(minutes=1)
RUNNING = ObservedEgress(egress_id="e1", state=EgressState.RUNNING)
STOPPED = ObservedEgress(egress_id="e1", state=EgressState.STOPPED)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = recorded_journal(tmp_path)
    yield journal
    journal.close()


def test_a_report_has_the_calls_their_participants_and_recordings(journal: Journal):
    (hosted,) = report_of(journal.state, ()).calls
    assert (hosted.call, hosted.call_session_id) == (NAME["call"], "cs")
    assert hosted.participants == (ALICE,)
    assert hosted.recordings == (RUNNING,)
    assert list(acknowledged(report_of(journal.state, ()))) == []


def test_a_recording_is_reported_running_until_capture_has_stopped(journal: Journal):
    journal.write(RecordingStopped(**NAME, egress_id="e1", at=LATER))
    (hosted,) = report_of(journal.state, {"e1"}).calls
    assert hosted.recordings == (RUNNING,)
    (hosted,) = report_of(journal.state, set()).calls
    assert hosted.recordings == (STOPPED,)


def test_a_stopped_recording_is_reported_until_a_report_got_through(journal: Journal):
    journal.write(RecordingStopped(**NAME, egress_id="e1", at=LATER))
    report = report_of(journal.state, ())
    assert report_of(journal.state, ()) == report
    journal.write(*acknowledged(report))
    (hosted,) = report_of(journal.state, ()).calls
    assert hosted.recordings == ()


def test_an_ended_call_is_reported_until_a_report_got_through(journal: Journal):
    journal.write(CallEnded(**NAME, at=LATER))
    report = report_of(journal.state, ())
    assert report.calls[0].ended_at == LATER
    assert report.calls[0].participants == ()
    assert list(acknowledged(report)) == [Reported(**NAME, stopped=("e1",), ended=True)]
    journal.write(*acknowledged(report))
    assert report_of(journal.state, ()).calls == ()
