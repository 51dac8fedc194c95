from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from isotrack.recording.agents import DesiredState, Report
from isotrack.recording.manifest import SealReason
from tests.capture_agent.agents import AgentProcess, rtp, wait_until

Start = Callable[..., AgentProcess]


class ControlPlane:
    """Answers reports with what a test desires."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.desired: list[dict[str, Any]] = []
        self.answer: Callable[[], tuple[int, bytes]] = self._desired
        plane = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                plane.reports.append(Report.model_validate_json(body))
                plane.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
                status, answer = plane.answer()
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _desired(self) -> tuple[int, bytes]:
        state = DesiredState.model_validate({"recordings": self.desired})
        return 200, state.model_dump_json().encode()

    @property
    def url(self) -> str:
        host, port = self.server.server_address[:2]
        return f"http://{host}:{port}/api/v2/video"

    def observed(self) -> list[tuple[str, str]]:
        """Recordings in the last report."""
        calls = self.reports[-1].calls
        return [(r.egress_id, r.state.value) for call in calls for r in call.recordings]

    def wait_for_reports(self, more: int = 2) -> None:
        """Until so many further reports were answered."""
        seen = len(self.reports)
        wait_until(lambda: len(self.reports) >= seen + more)


@pytest.fixture
def control_plane() -> Iterator[ControlPlane]:
    plane = ControlPlane()
    yield plane
    plane.server.shutdown()
    plane.server.server_close()


def test_an_agent_does_what_its_control_plane_desires_and_says_what_it_did(
    start_agent: Start, control_plane: ControlPlane, send: Callable[..., None]
):
    agent = start_agent(
        api_url=control_plane.url, api_key="key", agent_token="token", report_seconds="0.1"
    )
    agent.put(agent.path(), {"call_session_id": "cs"})
    agent.join()
    ports = agent.publish()
    hosted = wait_until(
        lambda: next((c for c in control_plane.reports[-1].calls if c.participants), None)
    )
    assert (hosted.call.cid, hosted.participants[0].user_id) == ("default:c1", "alice")
    path, headers = control_plane.requests[-1]
    assert path == "/api/v2/video/agents/agent-1/report?api_key=key"
    assert (headers["authorization"], headers["stream-auth-type"]) == ("token", "jwt")

    refused = agent.http.put(agent.path("recording"), json={})
    assert refused.status_code == 409

    desired = {
        "call": {"call_type": "default", "call_id": "c1"},
        "call_session_id": "cs",
        "egress_id": "e1",
        "started_at": "2026-11-22T10:00:00Z",
        "output_types": ["audio_video"],
        "storage": "theirs",
    }
    elsewhere = desired | {"call": {"call_type": "default", "call_id": "else"}, "egress_id": "e2"}
    control_plane.desired = [desired, elsewhere]
    wait_until(lambda: control_plane.observed() == [("e1", "running")])

    # Contact is lost in every way: the recording goes on.
    for broken in [(500, b""), (200, b"no state"), (200, b'{"recordings": [{}]}'), (403, b"{}")]:
        control_plane.answer = lambda broken=broken: broken
        control_plane.wait_for_reports()
    send(ports["rtp"], rtp(1))
    wait_until(lambda: agent.track()["counters"]["packets"] == 1)
    assert agent.track()["recorded"] is True
    assert control_plane.observed() == [("e1", "running")]

    control_plane.desired = []
    control_plane.answer = control_plane._desired
    manifest = agent.manifest()
    assert agent.packets(manifest) == [rtp(1)]
    assert manifest.reason is SealReason.RECORDING_STOPPED
    assert (manifest.storage, manifest.call_session_id) == ("theirs", "cs")
    assert json.loads(manifest.model_dump_json())["recording_started_at"] == "2026-11-22T10:00:00Z"
    states = [
        r.state for report in control_plane.reports for c in report.calls for r in c.recordings
    ]
    assert wait_until(lambda: control_plane.observed() == [])
    assert states[0] == "running"

    # What stopped is not started again by an answer that is late.
    control_plane.desired = [desired]
    control_plane.wait_for_reports()
    assert agent.track()["recorded"] is False

    agent.delete(agent.path())
    ended = wait_until(lambda: [c for r in control_plane.reports for c in r.calls if c.ended_at])
    assert ended[0].call.call_id == "c1"
    wait_until(lambda: control_plane.reports[-1].calls == ())
    assert agent.state()["calls"] == []


DESIRED = {
    "call": {"call_type": "default", "call_id": "c1"},
    "call_session_id": "cs",
    "egress_id": "e1",
    "started_at": "2026-11-22T10:00:00Z",
    "output_types": ["audio_video"],
}
AWAY = (503, b"")


def publish_to_a_silent_control_plane(
    start_agent: Start, control_plane: ControlPlane, **settings: str
) -> tuple[AgentProcess, Any]:
    """An agent with a call of one participant and their track, of which nothing is decided."""
    control_plane.answer = lambda: AWAY
    agent = start_agent(
        api_url=control_plane.url, report_seconds="0.1", chunk_seconds="0.2", **settings
    )
    agent.put(agent.path(), {"call_session_id": "cs"})
    agent.join()
    return agent, agent.publish()


def test_what_is_published_before_the_control_plane_has_answered_is_recorded(
    start_agent: Start, control_plane: ControlPlane, send: Callable[..., None]
):
    agent, ports = publish_to_a_silent_control_plane(start_agent, control_plane)
    packets = [rtp(number) for number in range(60)]
    for start in (0, 20):  # over several segments of the log
        send(ports["rtp"], *packets[start : start + 20])
        wait_until(lambda: agent.track()["counters"]["packets"] == start + 20)  # noqa: B023
        control_plane.wait_for_reports(4)
    assert agent.track()["recorded"] is False
    control_plane.desired = [DESIRED]
    control_plane.answer = control_plane._desired
    wait_until(lambda: control_plane.observed() == [("e1", "running")])
    assert agent.track()["recorded"] is True
    send(ports["rtp"], *packets[40:])
    wait_until(lambda: agent.track()["counters"]["packets"] == 60)
    agent.delete(agent.path("sessions/s1"))
    assert agent.packets(agent.manifest()) == packets


def test_an_agent_killed_before_it_was_told_to_record_has_what_came_until_then(
    start_agent: Start, control_plane: ControlPlane, send: Callable[..., None]
):
    agent, ports = publish_to_a_silent_control_plane(start_agent, control_plane)
    send(ports["rtp"], rtp(1))
    wait_until(lambda: agent.spooled() == 1)
    agent.kill(with_capture=False)
    agent.start()
    send(ports["rtp"], rtp(2))
    control_plane.desired = [DESIRED]
    control_plane.answer = control_plane._desired
    wait_until(lambda: control_plane.observed() == [("e1", "running")])
    agent.delete(agent.path("sessions/s1"))
    assert agent.packets(agent.manifest()) == [rtp(1), rtp(2)]


def test_what_is_published_in_a_call_nobody_records_is_kept_no_longer_than_that_is_unknown(
    start_agent: Start, control_plane: ControlPlane, send: Callable[..., None]
):
    agent, ports = publish_to_a_silent_control_plane(start_agent, control_plane)
    send(ports["rtp"], rtp(1))
    wait_until(lambda: agent.spooled() == 1)
    control_plane.answer = control_plane._desired
    wait_until(lambda: agent.spooled() == 0)
    control_plane.wait_for_reports()
    send(ports["rtp"], rtp(2))
    wait_until(lambda: agent.track()["counters"]["drained"] == 1)
    # Recorded later, it begins with what comes later.
    control_plane.desired = [DESIRED]
    wait_until(lambda: control_plane.observed() == [("e1", "running")])
    send(ports["rtp"], rtp(3))
    wait_until(lambda: agent.track()["counters"]["packets"] == 3)
    agent.delete(agent.path("sessions/s1"))
    assert agent.packets(agent.manifest()) == [rtp(3)]


def test_the_spool_does_not_grow_while_there_is_no_control_plane(
    start_agent: Start, control_plane: ControlPlane, send: Callable[..., None]
):
    agent, ports = publish_to_a_silent_control_plane(
        start_agent, control_plane, preroll_seconds="0.5"
    )
    send(ports["rtp"], rtp(1))
    wait_until(lambda: agent.spooled() == 1)
    wait_until(lambda: agent.spooled() == 0)
    send(ports["rtp"], rtp(2))
    wait_until(lambda: agent.track()["counters"]["drained"] == 1)


def test_each_session_is_reported_sealed_and_the_stop_when_all_are(
    start_agent: Start, control_plane: ControlPlane, send: Callable[..., None]
):
    agent = start_agent(api_url=control_plane.url, report_seconds="0.1")
    control_plane.desired = [DESIRED]
    agent.put(agent.path(), {"call_session_id": "cs"})
    for session, user in (("s1", "alice"), ("s2", "bob")):
        agent.join(session, user)
        send(agent.publish(f"of-{user}", session)["rtp"], rtp(1))
    wait_until(lambda: control_plane.observed() == [("e1", "running")])

    def sealed() -> dict[str, int]:
        return control_plane.reports[-1].calls[0].recordings[0].sealed

    agent.delete(agent.path("sessions/s1"))
    wait_until(lambda: sealed() == {"s1": 1})
    assert control_plane.observed() == [("e1", "running")]
    seen = len(control_plane.reports)
    control_plane.desired = []
    agent.manifest()
    wait_until(lambda: control_plane.observed() == [])
    observed = [
        (recording.state.value, recording.sealed)
        for report in control_plane.reports[seen:]
        for call in report.calls
        for recording in call.recordings
    ]
    assert observed[-1] == ("stopped", {"s1": 1, "s2": 1})
    assert all(of == {"s1": 1, "s2": 1} for state, of in observed if state == "stopped")


def test_an_agent_told_to_stop_says_what_it_has_sealed_with_its_last_word(
    start_agent: Start, control_plane: ControlPlane, send: Callable[..., None]
):
    agent = start_agent(api_url=control_plane.url, report_seconds="0.1")
    control_plane.desired = [DESIRED]
    agent.put(agent.path(), {"call_session_id": "cs"})
    agent.join()
    send(agent.publish()["rtp"], rtp(1))
    wait_until(lambda: control_plane.observed() == [("e1", "running")])
    assert agent.stop() == 0
    (recording,) = control_plane.reports[-1].calls[0].recordings
    assert (recording.state.value, recording.sealed) == ("running", {"s1": 1})
