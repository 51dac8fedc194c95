"""Processes that end badly are noticed, and say what was wrong."""

from __future__ import annotations

import queue
import time
from pathlib import Path

import pytest

from infra.local.demo.children import AgentProcess, ChildFailed, PublisherProcess
from infra.local.demo.part import Notice, Part
from infra.local.demo.scenario import Join, Leave, Participant
from isotrack.recording.tracks import Call
from tests.infra.local.demo.fake_agent import FakeAgent


def _part(control_url: str) -> Part:
    return Part(
        call=Call(call_type="default", call_id="c"),
        participant=Participant(
            user_id="ann",
            user_session_id="ann-1",
            beep_hz=1_000,
            actions=(Join(at_ms=0), Leave(at_ms=100)),
        ),
        control_url=control_url,
        zero_unix_ns=time.time_ns(),
    )


def _wait(publisher: PublisherProcess) -> None:
    while not publisher.done():
        time.sleep(0.05)


def test_an_agent_that_does_not_start_is_noticed_at_once(tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match=r"the capture agent did not start \(see .*agent\.log\)"):
        AgentProcess({"ISOTRACK_STORE": "nowhere://"}, tmp_path / "agent.log")
    assert "ISOTRACK" in (tmp_path / "agent.log").read_text().upper()


def test_a_participant_joins_and_leaves_in_a_process_of_their_own(tmp_path: Path) -> None:
    agent, notices = FakeAgent(), queue.Queue[Notice]()
    publisher = PublisherProcess("ann", notices, tmp_path / "ann.log")
    publisher.wait_ready()
    publisher.play(_part(agent.url))
    did = [notices.get(timeout=30).did for _ in range(3)]
    publisher.stop()
    agent.close()
    assert did == ["join", "leave", "done"]


def test_a_publisher_that_the_agent_refuses_says_why(tmp_path: Path) -> None:
    agent, notices = FakeAgent(refuses=True), queue.Queue[Notice]()
    publisher = PublisherProcess("ann", notices, tmp_path / "ann.log")
    publisher.wait_ready()
    publisher.play(_part(agent.url))
    with pytest.raises(ChildFailed, match="the publisher of ann failed: ann: the agent refused"):
        _wait(publisher)
    publisher.stop()
    agent.close()
