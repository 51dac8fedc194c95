from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from capture_agent.entries import (
    CallAnnounced,
    CallEnded,
    RecordingStarted,
    SessionAnnounced,
    SessionWithdrawn,
    TakeHeld,
    TrackWithdrawn,
)
from capture_agent.journal import Journal
from capture_agent.preroll import Preroll
from capture_agent.reports import report_of
from capture_agent.state import Ports
from isotrack.recording.agents import Report
from tests.capture_agent.states import ALICE, AT, DESIRED, NAME, publish, take

HELD = TakeHeld(**NAME, user_session_id="s1", track_id="t1", number=1, first_segment=1)


class Ears:
    """Notes which take is received where."""

    def __init__(self) -> None:
        self.takes: dict[Ports, int] = {}

    def record(self, ports: Ports, take: int) -> None:
        self.takes[ports] = take

    def release(self, takes: set[int]) -> None:
        self.takes = {ports: 0 if take in takes else take for ports, take in self.takes.items()}


class Rig:
    """A pre-roll in a call that Alice is in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = Journal(folder / "journal.jsonl")
        self.journal.write(
            CallAnnounced(**NAME, started_at=AT), SessionAnnounced(**NAME, participant=ALICE)
        )
        self.ears = Ears()

    def run(self, work: Callable[[Preroll], object], seconds: float = 60.0) -> None:
        """Work with a pre-roll; where it holds for a short time only, wait until that is over."""

        async def go() -> None:
            tasks: list[asyncio.Task[None]] = []
            preroll = Preroll(
                self.journal,
                self.ears,
                lambda begun: tasks.append(asyncio.ensure_future(begun)),
                seconds,
            )
            work(preroll)
            if seconds < 1:
                await asyncio.gather(*tasks)
            for task in tasks:
                task.cancel()

        asyncio.run(go())

    def hold(self, preroll: Preroll) -> None:
        """Alice publishes."""
        publish(self.journal, "t1")
        self.journal.write(HELD)
        preroll.begin(HELD.held())

    def wants(self, preroll: Preroll) -> bool:
        call = self.journal.state.calls[0]
        return preroll.wants(call, call.sessions["s1"])

    @property
    def report(self) -> Report:
        return report_of(self.journal.state, lambda shown: shown)

    @property
    def received(self) -> list[int]:
        return list(self.ears.takes.values())


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.journal.close()


def test_what_is_published_is_captured_until_an_answer_says_it_is_not_recorded(rig: Rig):
    def work(preroll: Preroll) -> None:
        assert rig.wants(preroll)
        rig.hold(preroll)
        assert rig.received == [1]
        preroll.decide(rig.report)
        assert rig.received == [0]
        assert not rig.wants(preroll)

    rig.run(work)
    assert rig.journal.state.held == []
    assert rig.journal.state.next_take == 2


def test_an_answer_to_a_report_without_the_participant_decides_nothing(rig: Rig):
    def work(preroll: Preroll) -> None:
        rig.hold(preroll)
        preroll.decide(Report(calls=()))
        preroll.decide(Report(calls=(rig.report.calls[0].model_copy(update={"participants": ()}),)))
        assert rig.received == [1]
        assert rig.wants(preroll)

    rig.run(work)


def test_a_recording_takes_over_what_is_held(rig: Rig):
    def work(preroll: Preroll) -> None:
        rig.hold(preroll)
        track = rig.journal.state.calls[0].sessions["s1"].tracks["t1"].track
        rig.journal.write(RecordingStarted(desired=DESIRED))
        take(rig.journal, track, 1)
        preroll.decide(rig.report)
        assert rig.received == [1]

    rig.run(work)
    assert rig.journal.state.held == []
    assert rig.journal.state.recordings[0].takes["t1"].number == 1


def test_what_nobody_decides_about_is_let_go_after_some_time(
    rig: Rig, caplog: pytest.LogCaptureFixture
):
    rig.run(rig.hold, seconds=0.05)
    assert rig.received == [0]
    assert rig.journal.state.held == []
    assert "nobody said within 0.05 s" in caplog.text


def test_without_seconds_nothing_is_wanted(rig: Rig):
    rig.run(lambda preroll: pytest.fail("wanted") if rig.wants(preroll) else None, seconds=0)


def test_while_the_call_is_recorded_nothing_need_be_held(rig: Rig):
    rig.journal.write(RecordingStarted(desired=DESIRED))
    rig.run(lambda preroll: pytest.fail("wanted") if rig.wants(preroll) else None)


def test_after_a_restart_what_was_held_is_captured_on(rig: Rig):
    rig.run(rig.hold)
    rig.journal.close()
    rig.journal = Journal(rig.folder / "journal.jsonl")
    rig.ears = Ears()
    rig.run(lambda preroll: preroll.resume())
    assert rig.received == [1]


def test_at_the_end_everything_is_let_go(rig: Rig):
    def work(preroll: Preroll) -> None:
        rig.hold(preroll)
        preroll.end()

    rig.run(work)
    assert rig.received == [0]


@pytest.mark.parametrize(
    "entry",
    [
        TrackWithdrawn(**NAME, user_session_id="s1", track_id="t1", at=AT),
        SessionWithdrawn(**NAME, user_session_id="s1", at=AT),
        CallEnded(**NAME, at=AT),
    ],
    ids=lambda entry: entry.entry,
)
def test_what_is_over_before_it_is_decided_is_held_no_more(
    rig: Rig, entry: TrackWithdrawn | SessionWithdrawn | CallEnded
):
    rig.run(rig.hold)
    rig.journal.write(entry)
    assert rig.journal.state.held == []


def test_what_is_held_of_others_stays(rig: Rig):
    rig.run(rig.hold)
    rig.journal.write(
        TakeHeld(**NAME, user_session_id="s1", track_id="t2", number=2, first_segment=1)
    )
    publish(rig.journal, "t2")
    rig.journal.write(TrackWithdrawn(**NAME, user_session_id="s1", track_id="t2", at=AT))
    assert [held.track_id for held in rig.journal.state.held] == ["t1"]
