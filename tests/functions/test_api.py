"""Recordings and agents, through the HTTP API as clients and agents use it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions import runtime
from isotrack.adapters import tokens
from isotrack.recording.agents import EgressState, HostedCall
from tests.aws import TABLE
from tests.builders import at, file, hosted, report
from tests.functions.api_client import AGENT, API_SECRET, SERVER, Answer, Client
from tests.functions.conftest import API_ENVIRONMENT, Account

CALL = "/api/v2/video/call/default/standup"
BY_CLIENT = "/video/call/default/standup"
START = "/video/call/default/standup/recordings/individual/start"
STOP = "/video/call/default/standup/recordings/individual/stop"
ALICE = {"created_by": {"id": "alice", "name": "Alice"}}
REPORT = "/agents/sfu-1/report"


def reported(client: Client, *calls: HostedCall, token: str = AGENT) -> Answer:
    body = report(*calls).model_dump_json()
    return client.post(REPORT, body, token=token, api_key=None)


@pytest.fixture
def studio(client: Client) -> Client:
    """The client of an installation in which Alice has created a call."""
    assert client.post(CALL, {"data": ALICE}).status == 201
    return client


@pytest.mark.parametrize("prefix", ["/api/v2/video", "/video"])
def test_a_recording_is_started_and_stopped_behind_both_prefixes(
    studio: Client, prefix: str
) -> None:
    reported(studio, hosted())
    path = f"{prefix}/call/default/standup/recordings/individual"
    started = studio.post(f"{path}/start", "{}")
    assert started.status == 201
    assert started.body.keys() == {"duration", "egress_id"}
    assert re.fullmatch(r"\d+\.\d\dms", started.body["duration"])
    stopped = studio.post(f"{path}/stop", "{}")
    assert stopped.status == 201
    assert stopped.body.keys() == {"duration"}


@pytest.mark.parametrize("body", [None, "", "null", "{}", '{"recording_external_storage": null}'])
def test_the_body_of_a_start_may_be_left_out(studio: Client, body: str | None) -> None:
    reported(studio, hosted())
    assert studio.post(START, body).status == 201


def test_a_call_without_session_is_not_recorded(studio: Client) -> None:
    assert studio.post(START).error == (
        400,
        4,
        'StartRecording failed with error: "there is no active session"',
    )


def test_a_recording_started_twice_is_refused(studio: Client) -> None:
    reported(studio, hosted())
    assert studio.post(START).status == 201
    assert studio.post(START).error == (
        400,
        4,
        'StartRecording failed with error: "call egress is already running"',
    )


def test_a_recording_that_does_not_run_is_not_stopped(studio: Client) -> None:
    reported(studio, hosted())
    assert studio.post(STOP).error == (
        400,
        4,
        'StopRecording failed with error: "call egress is not running"',
    )


def test_a_call_whose_type_disables_recording_is_not_recorded(studio: Client) -> None:
    reported(studio, hosted())
    off = {"settings": {"individual_recording": {"mode": "disabled"}}}
    assert studio.put("/api/v2/video/calltypes/default", off).status == 201
    status, code, message = studio.post(START).error
    assert (status, code) == (400, 4)
    assert "individual recording is disabled" in message


@pytest.mark.parametrize("kind", ["composite", "raw", "all", "x"])
def test_other_kinds_of_recording_are_refused_by_field(studio: Client, kind: str) -> None:
    status, code, message = studio.post(START.replace("individual", kind)).error
    assert (status, code) == (400, 4)
    assert "recording_type: Input should be 'individual'" in message


@pytest.mark.parametrize("path", [START, STOP])
@pytest.mark.parametrize(
    "token",
    [
        tokens.user_token(API_SECRET, "bob"),
        tokens.user_token(API_SECRET, "bob", role="admin", call_cids=["default:retro"]),
        tokens.user_token(API_SECRET, "bob", call_cids=["default:standup"]),
        AGENT,
    ],
    ids=["user", "admin of another call", "member", "agent"],
)
def test_who_lacks_the_permission_is_refused(studio: Client, path: str, token: str) -> None:
    reported(studio, hosted())
    assert studio.post(path, token=token).error[:2] == (403, 17)


def test_who_created_the_call_may_start_and_stop(studio: Client) -> None:
    reported(studio, hosted())
    alice = tokens.user_token(API_SECRET, "alice")
    assert studio.post(START, token=alice).status == 201
    assert studio.post(STOP, token=alice).status == 201


def test_a_call_that_nobody_created_is_not_recorded(client: Client) -> None:
    reported(client, hosted())
    for path in (START, STOP):
        assert client.post(path).error[:2] == (404, 16)


def test_a_moderator_of_the_call_may_start_and_stop(studio: Client) -> None:
    reported(studio, hosted())
    token = tokens.user_token(API_SECRET, "eve", role="moderator", call_cids=["default:standup"])
    assert studio.post(START, token=token).status == 201
    assert studio.post(STOP, token=f"Bearer {token}").status == 201


def test_an_agent_is_told_to_record_what_was_started(studio: Client) -> None:
    assert reported(studio, hosted()).body["recordings"] == []
    egress_id = studio.post(START).body["egress_id"]
    answer = reported(studio, hosted())
    assert answer.status == 200
    (desired,) = answer.body["recordings"]
    assert desired["egress_id"] == egress_id
    assert desired["call_session_id"] == "session-1"
    assert desired["output_types"] == ["audio_video", "screenshare_audio_video"]
    assert answer.body["poke_queue_url"].endswith("/isotrack-agent-sfu-1")


def test_start_and_stop_poke_the_agent_through_its_queue(studio: Client) -> None:
    url = reported(studio, hosted()).body["poke_queue_url"]
    sqs = boto3.client("sqs")
    for path in (START, STOP):
        studio.post(path)
        (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0)


def test_started_and_stopped_are_on_the_bus_once_the_agent_has_done_it(
    studio: Client, aws: Account
) -> None:
    reported(studio, hosted())
    egress_id = studio.post(START).body["egress_id"]
    assert [event["type"] for event in aws.events()] == [
        "call.created",
        "call.session_started",
        "call.session_participant_joined",
    ]
    for _ in range(2):
        reported(studio, hosted(recordings={egress_id: EgressState.RUNNING}))
    (started,) = aws.events()
    assert (started["type"], started["egress_id"]) == ("call.recording_started", egress_id)
    studio.post(STOP)
    for _ in range(2):
        reported(studio, hosted(recordings={egress_id: EgressState.STOPPED}))
    ends = [(event["type"], event["egress_id"]) for event in aws.events()]
    assert sorted(ends) == [
        ("call.recording_completed", egress_id),
        ("call.recording_stopped", egress_id),
    ]


def test_the_end_of_a_call_stops_its_recording(studio: Client, aws: Account) -> None:
    reported(studio, hosted())
    egress_id = studio.post(START).body["egress_id"]
    running = {egress_id: EgressState.RUNNING}
    reported(studio, hosted(recordings=running))
    reported(studio, hosted(ended_at=at(60), recordings=running))
    told = [event["type"] for event in aws.events()]
    assert "call.session_ended" in told
    assert "call.recording_stopped" not in told  # the agent has not sealed what it recorded yet
    reported(studio, hosted(ended_at=at(60), recordings={egress_id: EgressState.STOPPED}))
    assert "call.recording_stopped" in [event["type"] for event in aws.events()]
    assert studio.post(START).error[2].endswith('"there is no active session"')
    later = hosted(session="session-2", started_at=at(90))
    assert reported(studio, later).body["recordings"] == []
    assert studio.post(START).status == 201


def test_a_call_that_is_auto_on_is_recorded_at_once(
    aws: Account, environment: Callable[..., None], context: LambdaContext
) -> None:
    auto = {"default_mode": "auto-on", "default_output_types": "audio_only"}
    environment(**{**API_ENVIRONMENT, **auto}, api_secret_arn=aws.secret_arn)
    studio = Client(context)
    studio.post(CALL, {"data": ALICE})
    (desired,) = reported(studio, hosted()).body["recordings"]
    assert desired["output_types"] == ["audio_only"]


@pytest.mark.parametrize(
    "token",
    [
        tokens.agent_token(API_SECRET, "sfu-2"),
        tokens.user_token(API_SECRET, "bob", role="admin", call_cids=["default:standup"]),
    ],
)
def test_nobody_else_reports_for_an_agent(studio: Client, token: str) -> None:
    assert reported(studio, hosted(), token=token).error[:2] == (403, 17)


def test_a_server_may_report_for_an_agent(studio: Client) -> None:
    assert reported(studio, hosted(), token=SERVER).status == 200


def test_a_report_without_token_is_not_taken(studio: Client) -> None:
    assert studio.post(REPORT, "{}", token=None).error[:2] == (401, 5)


def test_a_malformed_report_is_refused_by_field(studio: Client) -> None:
    fields = report(hosted()).model_dump(mode="json")
    fields["calls"][0]["started_at"] = "yesterday"
    answer = studio.post(REPORT, json.dumps(fields), token=AGENT)
    status, code, message = answer.error
    assert (status, code) == (400, 4)
    assert message.startswith('ReportCalls failed with error: "calls.0.started_at: ')


def test_the_samples_are_requests_that_are_answered(
    studio: Client, sample: Callable[[str], dict[str, Any]]
) -> None:
    for name, token, status in [
        ("api.report_calls", AGENT, 200),
        ("api.start_recording", SERVER, 201),
        ("api.stop_recording", SERVER, 201),
    ]:
        event = sample(name)
        event["headers"]["authorization"] = token
        assert studio.forward(event).status == status, name


def test_a_recording_file_is_listed_with_links_and_deleted(studio: Client) -> None:
    made = file()
    runtime.outcomes(TABLE, 14).keep(made, runtime.now())
    objects = boto3.client("s3")
    for key in (made.key, made.sidecar_key):
        objects.put_object(Bucket="recordings", Key=key, Body=b"media")
    (by_server,) = studio.get(f"{CALL}/recordings").body["recordings"]
    in_session = f"{BY_CLIENT}/{made.call_session_id}/recordings"
    (by_client,) = studio.get(in_session).body["recordings"]
    assert by_client["filename"] == by_server["filename"] == made.filename
    assert by_client["user_id"] == made.user_id
    assert isinstance(by_server["start_time"], int)
    assert isinstance(by_client["start_time"], str)
    assert "Signature=" in by_client["url"]
    assert studio.get(f"{BY_CLIENT}/another/recordings").body["recordings"] == []
    deletion = f"{in_session}/{made.filename}"
    alice = tokens.user_token(API_SECRET, "alice")
    # The browser's client says who asks in every query: that is no filter.
    bob = tokens.user_token(API_SECRET, "bob", role="admin", call_cids=["default:standup"])
    listing = studio.get(f"{BY_CLIENT}/recordings", token=bob, query={"user_id": "bob"})
    assert [each["user_id"] for each in listing.body["recordings"]] == ["alice"]
    by_user = studio.get(f"{BY_CLIENT}/recordings", query={"user_id": "bob"})
    assert by_user.body["recordings"] == []
    assert studio.delete(deletion, token=alice).status == 200
    assert studio.delete(deletion).error == (
        404,
        16,
        'DeleteRecording failed with error: "recording doesn\'t exist"',
    )
    assert studio.get(f"{CALL}/recordings").body["recordings"] == []
    assert "Contents" not in objects.list_objects_v2(Bucket="recordings", Prefix=made.key)


def test_what_was_never_recorded_is_not_made_again(studio: Client) -> None:
    answer = studio.post(f"{CALL}/recordings/individual/egress-1/reprocess")
    assert answer.error[:2] == (404, 16)
