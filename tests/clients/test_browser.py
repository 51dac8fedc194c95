"""A page of a customer in Chromium, with the published browser client unchanged."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from getstream import Stream
from getstream.models import UserRequest

from tests.clients.browser import run_page
from tests.clients.people import FILES
from tests.clients.story import ALL, RECORDED_S, Told
from tests.clients.venue import Venue

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

CALL_ID = "browser-1"
CID = f"default:{CALL_ID}"


@pytest.fixture(scope="module")
def told(venue: Venue, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What the page reported."""
    users = ("bea", "cal", "stan")
    with Stream(api_key=venue.api_key, api_secret=venue.api_secret, base_url=venue.url) as server:
        server.update_users({user: UserRequest(id=user) for user in users})
        tokens = {user: server.create_token(user) for user in users}
    reported = run_page(
        {
            "url": venue.url,
            "api_key": venue.api_key,
            "tokens": tokens,
            "call_type": "default",
            "call_id": CALL_ID,
            "cid": CID,
            "output_types": ALL,
            "files": len(FILES),
            "recorded_ms": int(RECORDED_S * 1000),
        },
        {
            "gather": lambda asked: venue.gather(asked["cid"]),
            "disperse": lambda asked: venue.disperse(asked["cid"]),
            "spoil": lambda asked: venue.spoil(asked["cid"], asked["egress_id"]),
        },
        tmp_path_factory.mktemp("browser"),
    )
    assert "error" not in reported, reported["error"]
    return reported


def _events(told: Told, kind: str) -> list[dict[str, Any]]:
    return [event for event in told["events"] if event["type"] == kind]


def test_a_user_connects_over_a_websocket(told: Told) -> None:
    connected = told["connected"]
    assert connected["type"] == "connection.ok"
    assert connected["connection_id"]
    assert connected["me"]["id"] == "bea"


def test_who_makes_a_call_may_do_all_of_recording(told: Told) -> None:
    assert told["created"]["created"] is True
    assert told["settings"] == {"mode": "available", "output_types": ALL}
    assert {"start-individual-record-call", "stop-individual-record-call"} <= set(
        told["capabilities"]
    )


def test_a_member_may_watch_and_list_and_no_more(told: Told) -> None:
    assert told["cal_read"]["call"]["cid"] == CID
    assert not {"start-individual-record-call", "stop-individual-record-call"} & set(
        told["cal_capabilities"]
    )
    for step in ("cal_start", "cal_stop", "cal_delete"):
        assert (told[step]["status"], told[step]["code"]) == (403, 17), step
    assert len(told["cal_listed"]["recordings"]) == len(FILES)


def test_who_has_nothing_to_do_with_a_call_sees_nothing_of_it(told: Told) -> None:
    for step in ("stan_get", "stan_join_in", "stan_list", "stan_start", "stan_stop"):
        assert (told[step]["status"], told[step]["code"]) == (403, 17), step
    assert told["stan_query"]["calls"] == []
    assert told["overheard"] == []


def test_a_changed_call_is_told(told: Told) -> None:
    (updated,) = _events(told, "call.updated")
    assert updated["call"]["custom"] == {"subject": "iso"}
    assert told["custom"] == {"subject": "iso"}
    assert "start-individual-record-call" in updated["capabilities_by_role"]["owner"]


def test_a_session_is_told_from_its_start_to_its_end(told: Told) -> None:
    (started,) = _events(told, "call.session_started")
    (ended,) = _events(told, "call.session_ended")
    assert started["session_id"] == ended["session_id"]
    for kind in ("call.session_participant_joined", "call.session_participant_left"):
        people = [event["participant"] for event in _events(told, kind)]
        assert {(each["user"]["id"], each["user_session_id"]) for each in people} == {
            ("ann", "ann-1"),
            ("ben", "ben-1"),
        }
    assert {each["user"]["id"] for each in told["participants"]} == {"ann", "ben"}


def test_the_recording_is_told_once_each_and_in_order(told: Told) -> None:
    kinds = [e["type"] for e in told["events"] if e["type"].startswith("call.recording_")]
    assert Counter(kinds) == {
        "call.recording_started": 1,
        "call.recording_stopped": 1,
        "call.recording_ready": len(FILES),
        "call.recording_failed": 1,
    }
    assert kinds.index("call.recording_started") < kinds.index("call.recording_stopped")
    (started,) = _events(told, "call.recording_started")
    assert started["egress_id"] == told["started"]["egress_id"]
    assert {e["egress_id"] for e in told["events"] if "egress_id" in e} == {started["egress_id"]}


def test_the_calls_state_follows_the_recording(told: Told) -> None:
    assert (told["on"], told["cal_on"], told["off"]) == (True, True, False)
    assert told["switches"] == [False, True, False]


def test_all_who_watch_are_told_the_same(told: Told) -> None:
    def ids(events: list[dict[str, Any]]) -> list[str]:
        return sorted(e["event_id"] for e in events if e["type"].startswith("call.recording_"))

    assert ids(told["cal_events"]) == ids(told["events"])


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("start_early", 'StartRecording failed with error: "there is no active session"'),
        ("start_again", 'StartRecording failed with error: "call egress is already running"'),
        ("stop_again", 'StopRecording failed with error: "call egress is not running"'),
    ],
)
def test_start_and_stop_are_refused_in_the_state_asked_for(
    told: Told, step: str, message: str
) -> None:
    assert (told[step]["status"], told[step]["code"]) == (400, 4)
    assert message in told[step]["message"]


def test_each_file_is_ready_and_listed_with_whose_it_is(told: Told) -> None:
    ready = [event["call_recording"] for event in _events(told, "call.recording_ready")]
    listed = told["listed"]["recordings"]
    for files in (ready, listed):
        assert {(each["user_id"], each["output_type"]) for each in files} == FILES
    assert {each["sha256"] for each in ready} == {each["sha256"] for each in listed}


def test_a_file_plays_in_the_page_by_its_url(told: Told) -> None:
    played = told["played"]
    assert played["duration"] >= RECORDED_S - 1
    assert (played["width"], played["height"]) == (160, 90)


def test_what_failed_is_told_with_its_reason(told: Told) -> None:
    (failed,) = _events(told, "call.recording_failed")
    assert failed["error"]["code"] == "CorruptInput"
    assert failed["error"]["retryable"] is False


def test_a_deleted_recording_is_gone(told: Told) -> None:
    before = [each["filename"] for each in told["listed"]["recordings"]]
    assert [each["filename"] for each in told["listed_after"]["recordings"]] == before[:-1]
