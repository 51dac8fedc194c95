"""Server programs of customers, with the published libraries unchanged: Python and Node."""

from __future__ import annotations

import hashlib
from datetime import datetime

import pytest

from isotrack.adapters.ffmpeg import probe
from isotrack.recording.outputs import OutputType
from tests.clients.conftest import Played
from tests.clients.people import FILES
from tests.clients.story import ALL, DEFAULT, GRANTS, RECORDED_S
from tests.clients.venue import Venue
from tests.e2e.content import audio_content, video_content

pytestmark = pytest.mark.e2e

WHAT_A_CALL_SETS = {
    "audio",
    "backstage",
    "broadcasting",
    "frame_recording",
    "geofencing",
    "individual_recording",
    "ingress",
    "limits",
    "raw_recording",
    "recording",
    "ring",
    "screensharing",
    "session",
    "thumbnails",
    "transcription",
    "video",
}


def test_users_are_made_with_their_roles(played: Played) -> None:
    users = played.told["users"]["users"]
    host, guest = users[played.story.host], users[played.story.guest]
    assert (host["id"], host["name"], host["role"]) == (played.story.host, "Host", "user")
    assert (guest["role"], guest["custom"]) == ("user", {"team": "blue"})


def test_a_call_type_is_made_with_what_it_records_and_who_may(played: Played) -> None:
    made = played.told["type_created"]
    assert made["name"] == played.story.call_type
    assert made["settings"]["individual_recording"] == {
        "mode": "available",
        "output_types": DEFAULT,
    }
    for role, grants in GRANTS.items():
        assert sorted(made["grants"][role]) == sorted(grants)


def test_a_call_type_is_updated_by_section(played: Played) -> None:
    assert played.told["type_updated"]["settings"]["individual_recording"] == {
        "mode": "auto-on",
        "output_types": DEFAULT[:1],
    }
    read = played.told["type_read"]
    assert read["settings"]["individual_recording"]["mode"] == "available"
    assert set(read["settings"]) >= WHAT_A_CALL_SETS
    assert sorted(read["grants"]["host"]) == sorted(GRANTS["host"])


def test_call_types_are_listed_with_those_built_in(played: Played) -> None:
    listed = played.told["types_listed"]["call_types"]
    names = {played.story.call_type, played.story.spare_type}
    assert names | {"default", "audio_room", "livestream", "development"} <= set(listed)


def test_a_call_that_nobody_made_is_missing(played: Played) -> None:
    refused = played.told["missing"]
    assert (refused["status"], refused["code"]) == (404, 16)
    assert "GetCall failed with error" in refused["message"]


def test_a_call_is_made_once_with_its_creator_members_and_complete_settings(played: Played) -> None:
    made, again = played.told["created"], played.told["created_again"]
    assert (made["created"], again["created"]) == (True, False)
    call = made["call"]
    assert call["cid"] == played.story.cid
    assert call["created_by"]["id"] == again["call"]["created_by"]["id"] == played.story.host
    assert call["custom"] == {"subject": "iso"}
    assert [(each["user_id"], each["role"]) for each in made["members"]] == [
        (played.story.host, "host")
    ]
    assert set(call["settings"]) >= WHAT_A_CALL_SETS
    assert call["settings"]["individual_recording"]["output_types"] == DEFAULT
    assert _time(call["created_at"]) <= _time(call["updated_at"])


def test_what_is_not_implemented_is_honestly_off(played: Played) -> None:
    call = played.told["created"]["call"]
    assert (call["recording"], call["transcribing"], call["captioning"]) == (False, False, False)
    for section in ("recording", "raw_recording", "frame_recording", "transcription"):
        assert call["settings"][section]["mode"] == "disabled"
    assert not call["settings"]["broadcasting"]["enabled"]


def test_a_call_overrides_what_its_type_records(played: Played) -> None:
    overridden = {"mode": "available", "output_types": ALL}
    assert played.told["updated"]["call"]["settings"]["individual_recording"] == overridden
    assert played.told["read"]["call"]["settings"]["individual_recording"] == overridden


def test_members_come_and_go(played: Played) -> None:
    story, told = played.story, played.told
    assert [each["user_id"] for each in told["members_added"]["members"]] == [story.guest]
    found = {each["user_id"]: each for each in told["members_found"]["members"]}
    assert set(found) == {story.host, story.guest}
    assert found[story.guest]["custom"] == {"seat": 2}
    assert [each["user_id"] for each in told["read"]["members"]] == [story.host]


def test_calls_are_found_by_their_ids(played: Played) -> None:
    (found,) = played.told["calls_found"]["calls"]
    assert found["call"]["cid"] == played.story.cid
    assert {each["user_id"] for each in found["members"]} == {played.story.host}


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("start_refused", 'StartRecording failed with error: "there is no active session"'),
        ("stop_refused", 'StopRecording failed with error: "call egress is not running"'),
        (
            "start_again_refused",
            'StartRecording failed with error: "call egress is already running"',
        ),
        ("stop_again_refused", 'StopRecording failed with error: "call egress is not running"'),
    ],
)
def test_start_and_stop_are_refused_in_the_state_asked_for(
    played: Played, step: str, message: str
) -> None:
    refused = played.told[step]
    assert (refused["status"], refused["code"]) == (400, 4)
    assert message in refused["message"]


def test_a_recording_runs_from_its_start_until_its_stop(played: Played) -> None:
    running, ended = played.told["running"]["call"], played.told["read"]["call"]
    assert running["egress"]["individual_recording"]["status"] == "running"
    assert running["recording"] is False  # which is composite recording
    assert {each["user"]["id"] for each in running["session"]["participants"]} == {"ann", "ben"}
    assert running["current_session_id"] == running["session"]["id"]
    after = ended["egress"].get("individual_recording")
    assert after is None or after["status"] != "running"


def test_all_that_was_asked_for_is_listed(played: Played, venue: Venue) -> None:
    listed = played.told["listed"]["recordings"]
    ready = _ready(played, venue)
    assert {(r["user_id"], r["output_type"]) for r in ready.values()} == FILES
    assert {each["filename"] for each in listed} == set(ready)
    session = played.told["running"]["call"]["current_session_id"]
    for each in listed:
        assert (each["recording_type"], each["session_id"]) == ("individual", session)
        assert _time(each["start_time"]) < _time(each["end_time"])


def test_each_file_is_fetched_by_its_url(played: Played, venue: Venue) -> None:
    for filename, announced in _ready(played, venue).items():
        body = (played.folder / filename).read_bytes()
        assert (len(body), hashlib.sha256(body).hexdigest()) == (
            announced["size_bytes"],
            announced["sha256"],
        )


def test_each_file_shows_and_plays_what_was_sent(played: Played, venue: Venue) -> None:
    for filename, announced in _ready(played, venue).items():
        path, output = played.folder / filename, OutputType(announced["output_type"])
        summary = probe(path)
        expected = {"audio": "opus", "video": "vp8"}
        assert sorted(summary.codecs) == sorted(expected[kind] for kind in output.kinds), filename
        assert summary.duration_ms >= RECORDED_S * 1000 - 1_000, filename
        if "video" in output.kinds:
            content = video_content(path)
            assert content.corrupt == 0
            assert content.flashes_ms, filename
            assert summary.sizes[0][1:] == (
                (160, 90) if output.source == "participant" else (320, 240)
            )
        if "audio" in output.kinds:
            assert audio_content(path).beeps_ms, filename


def test_a_deleted_recording_is_gone(played: Played) -> None:
    before = [each["filename"] for each in played.told["listed"]["recordings"]]
    after = [each["filename"] for each in played.told["listed_after"]["recordings"]]
    assert after == before[:-1]
    refused = played.told["delete_again_refused"]
    assert (refused["status"], refused["code"]) == (404, 16)
    assert 'DeleteRecording failed with error: "recording doesn\'t exist"' in refused["message"]


@pytest.mark.parametrize("step", ["started", "stopped", "deleted", "listed", "type_deleted"])
def test_an_answer_says_how_long_it_took(played: Played, step: str) -> None:
    assert played.told[step]["duration"].endswith("ms")


def _ready(played: Played, venue: Venue) -> dict[str, dict[str, str]]:
    """The files of the call as webhooks were told of them, by name."""
    events = venue.mailbox.wait_for(
        played.story.cid, "call.recording_ready", until=lambda events: len(events) == len(FILES)
    )
    return {event["call_recording"]["filename"]: event["call_recording"] for event in events}


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
