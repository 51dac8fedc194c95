from __future__ import annotations

from typing import Any

import pytest

from tests.capture_agent.agents import VP8, AgentProcess

SESSION = "calls/default/{call}/sessions/s1"
TRACK = f"{SESSION}/tracks/t1"


def put(agent: AgentProcess, path: str, body: Any) -> tuple[int, dict[str, Any]]:
    answer = agent.http.put(path.format(call=agent.call), json=body)
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (SESSION, {}, "user_id"),
        (SESSION, {"user_id": ""}, "user_id"),
        (SESSION, {"user_id": "alice", "joined_at": "2026-11-22T10:00:00"}, "joined_at"),
        (SESSION, {"user_id": "alice", "name": "Alice"}, "name"),
        ("calls/default/" + "x" * 65, {}, "call_id"),
        ("calls/default/{call}", {"call_session_id": "a\nb"}, "call_session_id"),
        (TRACK, VP8 | {"payload_type": 128}, "payload_type"),
        (TRACK, VP8 | {"payload_type": "96x"}, "payload_type"),
        (TRACK, VP8 | {"clock_rate": 0}, "clock_rate"),
        (TRACK, VP8 | {"track_type": "hologram"}, "track_type"),
        (TRACK, VP8 | {"mime_type": "application/x"}, "mime_type"),
        (TRACK, VP8 | {"mime_type": "audio/opus"}, "mime_type"),
        (TRACK, VP8 | {"channels": 9}, "channels"),
        (TRACK, VP8 | {"ssrc": 2**32}, "ssrc"),
        (TRACK, VP8 | {"fmtp": {"apt": 96}}, "fmtp.apt"),
        (TRACK, VP8 | {"header_extensions": {"urn:x": 0}}, "header_extensions.urn:x"),
        (TRACK, VP8 | {"feedback": {"host": "sfu", "port": 1}}, "feedback.host"),
        (TRACK, VP8 | {"feedback": {"host": "127.0.0.1"}}, "feedback.port"),
        (TRACK, VP8 | {"simulcast": True}, "simulcast"),
        (TRACK, VP8 | {"rtx": {"ssrc": 1}}, "rtx.payload_type"),
        (TRACK, VP8 | {"red": {"payload_type": 128}}, "red.payload_type"),
        (TRACK, VP8 | {"fec": {"mechanism": "xor", "payload_type": 49}}, "fec.mechanism"),
        (TRACK, VP8 | {"layers": [{"ssrc": -1}]}, "layers.0.ssrc"),
        (TRACK, {k: v for k, v in VP8.items() if k != "mime_type"}, "mime_type"),
        ("calls/default/{call}/recording", {"output_types": ["everything"]}, "output_types.0"),
        ("calls/default/{call}/recording", {"output_types": []}, "output_types"),
    ],
)
def test_a_malformed_announcement_is_refused_with_the_field(
    agent: AgentProcess, path: str, body: Any, field: str
):
    status, answer = put(agent, path, body)
    assert status == 400
    assert answer["error"]["field"] == field
    assert answer["error"]["message"]


@pytest.mark.parametrize("body", [b"{", b"", b"[]", b"null", b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(agent: AgentProcess, body: bytes):
    path = SESSION.format(call=agent.call)
    answer = agent.http.put(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


def test_what_is_not_announced_is_missing(agent: AgentProcess):
    agent.join()
    agent.delete(agent.path("sessions/s1"))
    for method, path, body in [
        ("PUT", TRACK, VP8),
        ("DELETE", TRACK, None),
        ("DELETE", SESSION, None),
        ("DELETE", "calls/default/none", None),
        ("PUT", "calls/default/none/recording", {}),
        ("DELETE", "calls/default/{call}/recording", None),
        ("GET", "nothing", None),
    ]:
        answer = agent.http.request(method, path.format(call=agent.call), json=body)
        assert (path, answer.status_code) == (path, 404)
        assert answer.json()["error"]["message"]


def test_the_same_announcement_again_changes_nothing(agent: AgentProcess):
    call = put(agent, "calls/default/{call}", {"call_session_id": "one"})
    assert put(agent, "calls/default/{call}", {}) == call
    assert put(agent, SESSION, {"user_id": "alice"}) == put(agent, SESSION, {"user_id": "alice"})
    assert agent.publish() == agent.publish()
    calls = agent.state()["calls"]
    (mine,) = [call for call in calls if call["call"]["call_id"] == agent.call]
    assert len(mine["sessions"][0]["tracks"]) == 1


def test_an_announcement_that_contradicts_an_earlier_one_is_a_conflict(agent: AgentProcess):
    put(agent, "calls/default/{call}", {"call_session_id": "one"})
    agent.join()
    agent.publish()
    assert put(agent, "calls/default/{call}", {"call_session_id": "two"})[0] == 409
    assert put(agent, SESSION, {"user_id": "bob"})[0] == 409
    assert put(agent, TRACK, VP8 | {"payload_type": 97})[0] == 409
    agent.delete(agent.path("sessions/s1"))
    status, answer = put(agent, SESSION, {"user_id": "alice"})
    assert (status, "another user_session_id" in answer["error"]["message"]) == (409, True)
    agent.delete(agent.path())
    assert put(agent, "calls/default/{call}", {"call_session_id": "two"})[0] == 200


def test_ids_that_no_key_has_room_for_are_refused(agent: AgentProcess):
    wide = "%F0%9F%98%80" * 64
    assert put(agent, f"calls/{wide}/{wide}/sessions/s1", {"user_id": "alice"})[0] == 400


def test_a_track_published_again_has_other_ports_and_a_running_recording_goes_on(
    agent: AgentProcess,
):
    agent.join()
    agent.record()
    ports = agent.publish()
    agent.delete(agent.path("sessions/s1/tracks/t1"))
    again = agent.publish()
    assert again["rtp"]["port"] != ports["rtp"]["port"]
    assert agent.track()["recorded"] is True


def test_health_says_that_the_agent_receives(agent: AgentProcess):
    health = agent.http.get("health").json()
    assert health["status"] == "ok"
    assert health["agent_id"] == "agent-1"
