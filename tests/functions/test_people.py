"""Users, members, roles, grants and tokens, through the HTTP API as clients use it."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import jwt
import pytest

from isotrack.adapters import tokens
from tests.builders import hosted, report
from tests.functions.api_client import AGENT, API_SECRET, Client

CALL = "/api/v2/video/call/default/standup"
BY_CLIENT = "/video/call/default/standup"
START = f"{BY_CLIENT}/recordings/individual/start"
ALICE, BOB = (tokens.user_token(API_SECRET, user_id) for user_id in ("alice", "bob"))


@pytest.fixture
def meeting(client: Client) -> Client:
    """Alice has created a call that an agent hosts; Bob is known."""
    users = {user_id: {"id": user_id, "name": user_id.title()} for user_id in ("alice", "bob")}
    assert client.post("/api/v2/users", {"users": users}).status == 201
    assert client.post(CALL, {"data": {"created_by_id": "alice"}}).status == 201
    body = report(hosted()).model_dump_json()
    assert client.post("/agents/sfu-1/report", body, token=AGENT, api_key=None).status == 200
    return client


def test_users_are_made_found_and_changed(meeting: Client) -> None:
    query = {"payload": '{"filter_conditions": {"id": {"$in": ["alice", "bob", "nobody"]}}}'}
    found = meeting.get("/api/v2/users", query=query)
    assert [user["name"] for user in found.body["users"]] == ["Alice", "Bob"]
    change = {"users": [{"id": "bob", "set": {"role": "admin", "color": "red"}}]}
    changed = meeting.patch("/api/v2/users", change)
    assert changed.status == 200
    assert changed.body["users"]["bob"]["role"] == "admin"
    assert changed.body["users"]["bob"]["custom"] == {"color": "red"}


@pytest.mark.parametrize("payload", ["{", "[]", "null", '{"limit": "ten"}', "\x00"])
def test_a_query_of_users_that_cannot_be_is_refused_by_field(meeting: Client, payload: str) -> None:
    answer = meeting.get("/api/v2/users", query={"payload": payload})
    assert answer.error[:2] == (400, 4)
    assert any(field.startswith("payload") for field in answer.body["exception_fields"])


def test_one_who_does_not_belong_to_a_call_sees_nothing_of_it(meeting: Client) -> None:
    refused = [
        meeting.get(BY_CLIENT, token=BOB),
        meeting.post(BY_CLIENT, {}, token=BOB),
        meeting.patch(BY_CLIENT, {"custom": {"a": 1}}, token=BOB),
        meeting.post(f"{BY_CLIENT}/members", {"remove_members": ["alice"]}, token=BOB),
        meeting.post(f"{BY_CLIENT}/mark_ended", token=BOB),
        meeting.post(START, token=BOB),
        meeting.get(f"{BY_CLIENT}/recordings", token=BOB),
        meeting.delete(f"{BY_CLIENT}/session-1/recordings/x.mkv", token=BOB),
    ]
    assert [answer.error[:2] for answer in refused] == [(403, 17)] * len(refused)
    assert meeting.post("/video/calls", {}, token=BOB).body["calls"] == []


def test_a_member_sees_the_call_and_what_they_may_do_in_it(meeting: Client) -> None:
    added = meeting.post(f"{CALL}/members", {"update_members": [{"user_id": "bob"}]})
    assert [member["user_id"] for member in added.body["members"]] == ["bob"]
    seen = meeting.get(BY_CLIENT, token=BOB, query={"user_id": "bob"})
    assert seen.status == 200
    assert seen.body["membership"]["user_id"] == "bob"
    assert "start-individual-record-call" not in seen.body["own_capabilities"]
    assert meeting.post(START, token=BOB).error[:2] == (403, 17)
    assert meeting.get(f"{BY_CLIENT}/recordings", token=BOB).body["recordings"] == []
    (found,) = meeting.post("/video/calls", {}, token=BOB).body["calls"]
    assert found["call"]["cid"] == "default:standup"
    query = {"type": "default", "id": "standup", "filter_conditions": {"user_id": "bob"}}
    members = meeting.post("/video/call/members", query, token=BOB).body["members"]
    assert [member["user"]["name"] for member in members] == ["Bob"]


def test_a_grant_of_the_call_type_lets_members_record(meeting: Client) -> None:
    meeting.post(f"{CALL}/members", {"update_members": [{"user_id": "bob"}]})
    grants = {"call_member": ["read-call", "start-recording", "stop-recording"]}
    answer = meeting.put("/api/v2/video/calltypes/default", {"grants": grants})
    assert answer.status == 201
    seen = meeting.get(BY_CLIENT, token=BOB).body
    assert "start-individual-record-call" in seen["own_capabilities"]
    assert meeting.post(START, token=BOB).status == 201
    shown = meeting.get(CALL).body["call"]
    assert shown["egress"]["individual_recording"]["status"] == "starting"
    assert shown["recording"] is False


def test_a_call_is_changed_section_by_section(meeting: Client) -> None:
    override = {"individual_recording": {"mode": "auto-on", "output_types": ["audio_only"]}}
    changed = meeting.patch(CALL, {"settings_override": override, "custom": {"a": 1}})
    assert changed.status == 200
    settings = meeting.get(BY_CLIENT, token=ALICE).body["call"]["settings"]
    assert settings["individual_recording"] == override["individual_recording"]
    assert settings["recording"]["mode"] == "disabled"
    meeting.patch(CALL, {"custom": {}})
    call = meeting.get(CALL).body["call"]
    assert call["custom"] == {}
    assert call["settings"]["individual_recording"]["mode"] == "auto-on"


def test_a_call_is_ended_by_who_created_it(meeting: Client) -> None:
    assert meeting.post(START, token=ALICE).status == 201
    assert meeting.post(f"{BY_CLIENT}/mark_ended", token=ALICE).status == 201
    assert meeting.get(CALL).body["call"]["ended_at"] > 0
    assert meeting.post(START, token=ALICE).error[:2] == (400, 4)


def issued(seconds_ago: float) -> str:
    claims = {"user_id": "alice", "iat": int(time.time() - seconds_ago)}
    return jwt.encode(claims, API_SECRET, algorithm="HS256")


NEVER_ISSUED = jwt.encode({"user_id": "alice"}, API_SECRET, algorithm="HS256")


@pytest.mark.parametrize("whose", ["the app's", "the user's"])
def test_tokens_issued_before_a_revocation_are_worth_nothing(meeting: Client, whose: str) -> None:
    old = issued(3600)
    for token in (old, NEVER_ISSUED):
        assert meeting.get(BY_CLIENT, token=token).status == 200
    moment = datetime.fromtimestamp(time.time() - 60, UTC).isoformat()
    revoke(meeting, whose, moment)
    for token in (old, NEVER_ISSUED):
        assert meeting.get(BY_CLIENT, token=token).error[:2] == (401, 40)
    assert meeting.get(BY_CLIENT, token=issued(0)).status == 200
    assert meeting.get(CALL).status == 200  # a server's token is none of a user
    revoke(meeting, whose, None)
    assert meeting.get(BY_CLIENT, token=old).status == 200


def revoke(meeting: Client, whose: str, moment: str | None) -> None:
    change: dict[str, object] = {"revoke_tokens_issued_before": moment}
    if whose == "the app's":
        assert meeting.patch("/api/v2/app", change).status == 200
    else:
        change = {"users": [{"id": "alice", "set": change}]}
        assert meeting.patch("/api/v2/users", change).status == 200


def test_an_app_is_changed_only_in_what_is_said(meeting: Client) -> None:
    revoke(meeting, "the app's", datetime.now(UTC).isoformat())
    assert meeting.patch("/api/v2/app", {"event_hooks": []}).status == 200
    assert meeting.get(BY_CLIENT, token=NEVER_ISSUED).error[:2] == (401, 40)


def test_a_connection_that_is_not_the_callers_watches_nothing(meeting: Client) -> None:
    answer = meeting.get(BY_CLIENT, token=ALICE, query={"connection_id": "another"})
    assert answer.error[:2] == (400, 46)


def test_pages_are_asked_for_by_number(meeting: Client) -> None:
    for limit in ("101", "-1", "ten", "1.5", ""):
        answer = meeting.get(f"{CALL}/recordings", query={"limit": limit})
        assert answer.error[:2] == (400, 4), limit
        assert answer.body["exception_fields"].keys() == {"limit"}
    assert meeting.get(f"{CALL}/recordings", query={"limit": "1"}).body["recordings"] == []
