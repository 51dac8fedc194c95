from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from capture_agent.entries import (
    AgentStopped,
    CallEnded,
    RecordingStopped,
    Reported,
    SegmentSealed,
    SessionSealed,
    SessionWithdrawn,
    TrackWithdrawn,
)
from capture_agent.journal import Journal
from isotrack.recording.agents import EgressState
from isotrack.recording.manifest import SealReason
from tests.capture_agent.states import AT, NAME, publish, recorded_journal, take

LATER = AT + timedelta(minutes=1)
SEALED = SessionSealed(**NAME, egress_id="e1", user_session_id="s1", at=LATER)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = recorded_journal(tmp_path)
    yield journal
    journal.close()


def test_a_call_that_ends_takes_everything_in_it_along(journal: Journal):
    journal.write(CallEnded(**NAME, at=LATER))
    call = journal.state.calls[0]
    assert call.ended_at == LATER
    assert call.sessions["s1"].left_at == LATER
    assert call.sessions["s1"].tracks["t1"].track.withdrawn_at == LATER
    assert call.egresses["e1"].state is EgressState.STOPPED
    assert journal.state.recordings[0].reason is SealReason.CALL_ENDED
    assert journal.state.recordings[0].takes["t1"].track.withdrawn_at == LATER


@pytest.mark.parametrize(
    ("entry", "reason", "withdrawn"),
    [
        (SessionWithdrawn(**NAME, user_session_id="s1", at=LATER), "participant_left", LATER),
        (RecordingStopped(**NAME, egress_id="e1", at=LATER), "recording_stopped", None),
        (AgentStopped(), "agent_shutdown", None),
    ],
)
def test_the_first_reason_to_seal_a_session_stands(journal: Journal, entry, reason, withdrawn):
    journal.write(entry)
    journal.write(CallEnded(**NAME, at=LATER + timedelta(minutes=1)))
    (recording,) = journal.state.recordings
    assert recording.reason == reason
    assert recording.takes["t1"].track.withdrawn_at == withdrawn


def test_a_track_published_again_goes_on_as_the_same_take(journal: Journal):
    journal.write(TrackWithdrawn(**NAME, user_session_id="s1", track_id="t1", at=LATER))
    (recording,) = journal.state.recordings
    assert recording.takes["t1"].track.withdrawn_at == LATER
    take(journal, publish(journal, "t1"), 1)
    assert [(t.number, t.track.withdrawn_at) for t in recording.takes.values()] == [(1, None)]
    assert journal.state.next_take == 2


def test_a_call_is_forgotten_when_it_is_over_and_reported_and_sealed(journal: Journal):
    journal.write(CallEnded(**NAME, at=LATER))
    journal.write(Reported(**NAME, stopped=("e1",), ended=True))
    assert len(journal.state.calls) == 1
    journal.write(SEALED)
    assert journal.state.calls == []
    assert journal.state.recordings == []


def test_a_call_that_was_reported_before_its_recording_stopped_is_kept(journal: Journal):
    journal.write(CallEnded(**NAME, at=LATER))
    journal.write(Reported(**NAME, stopped=(), ended=True))
    journal.write(SEALED)
    assert len(journal.state.calls) == 1
    journal.write(Reported(**NAME, stopped=("e1",), ended=True))
    assert journal.state.calls == []


def test_a_segment_that_holds_a_forgotten_take_is_sealed_all_the_same(journal: Journal):
    journal.write(SegmentSealed(segment=4, takes=((77, (), 1, 0),)))
    assert journal.state.sealed_through == 4
