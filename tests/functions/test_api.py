from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.api import handler
from isotrack.adapters import tokens
from isotrack.adapters.dynamodb import DynamoItems
from isotrack.recording.agents import EgressState, HostedCall
from tests.aws import BUS, TABLE
from tests.builders import NOON, at, hosted, report
from tests.functions.conftest import API_KEY, API_SECRET, Account

Sample = Callable[[str], dict[str, Any]]
SERVER = tokens.server_token(API_SECRET)
AGENT = tokens.agent_token(API_SECRET, "sfu-1")
START = "/video/call/default/standup/recordings/individual/start"
STOP = "/video/call/default/standup/recordings/individual/stop"


class Answer(NamedTuple):
    status: int
    body: dict[str, Any]

    @property
    def error(self) -> tuple[int, int, str]:
        """HTTP status, code and message of the envelope, after a look at the rest of it."""
        assert self.body["StatusCode"] == self.status
        assert re.fullmatch(r"\d+\.\d\dms", self.body["duration"])
        assert self.body["details"] == []
        assert isinstance(self.body["more_info"], str)
        return self.status, self.body["code"], self.body["message"]


class Client:
    """Sends requests as API Gateway passes them on; by default as a server."""

    def __init__(self, sample: Sample, context: LambdaContext) -> None:
        self._sample = sample
        self._context = context

    def post(
        self,
        path: str,
        body: str | None = None,
        *,
        token: str | None = SERVER,
        api_key: str | None = API_KEY,
        method: str = "POST",
        encoded: bool = False,
    ) -> Answer:
        event = self._sample("api.start_recording")
        event["rawPath"] = event["requestContext"]["http"]["path"] = path
        event["requestContext"]["http"]["method"] = method
        event["body"] = body
        event["isBase64Encoded"] = encoded
        event["headers"].pop("authorization")
        if token is not None:
            event["headers"]["authorization"] = token
        event.pop("queryStringParameters")
        if api_key is not None:
            event["queryStringParameters"] = {"api_key": api_key}
        return self.send(event)

    def send(self, event: dict[str, Any]) -> Answer:
        answer = handler(event, self._context)
        return Answer(answer["statusCode"], json.loads(answer["body"]))

    def report(self, *calls: HostedCall, agent: str = "sfu-1", token: str = AGENT) -> Answer:
        body = report(*calls).model_dump_json()
        return self.post(f"/agents/{agent}/report", body, token=token, api_key=None)


@pytest.fixture
def client(
    aws: Account, environment: Callable[..., None], sample: Sample, context: LambdaContext
) -> Client:
    environment(
        table=TABLE,
        event_bus=BUS,
        api_secret_arn=aws.secret_arn,
        agent_queue_prefix="isotrack-agent-",
        default_mode="available",
        default_output_types="audio_video,screenshare_audio_video",
    )
    return Client(sample, context)


@pytest.mark.parametrize("prefix", ["/api/v2/video", "/video"])
def test_a_recording_is_started_and_stopped_behind_both_prefixes(
    client: Client, prefix: str
) -> None:
    client.report(hosted())
    path = f"{prefix}/call/default/standup/recordings/individual"
    started = client.post(f"{path}/start", "{}")
    assert started.status == 201
    assert started.body.keys() == {"duration", "egress_id"}
    assert re.fullmatch(r"\d+\.\d\dms", started.body["duration"])
    stopped = client.post(f"{path}/stop", "{}")
    assert stopped.status == 201
    assert stopped.body.keys() == {"duration"}


@pytest.mark.parametrize("body", [None, "", "null", "{}", '{"recording_external_storage": null}'])
def test_the_body_of_a_start_may_be_left_out(client: Client, body: str | None) -> None:
    client.report(hosted())
    assert client.post(START, body).status == 201


def test_a_body_may_come_in_base64(client: Client) -> None:
    client.report(hosted())
    body = base64.b64encode(b'{"recording_external_storage": "isotrack"}').decode()
    assert client.post(START, body, encoded=True).status == 201


def test_a_call_without_session_is_not_recorded(client: Client) -> None:
    assert client.post(START).error == (
        400,
        4,
        'StartRecording failed with error: "there is no active session"',
    )


def test_a_recording_started_twice_is_refused(client: Client) -> None:
    client.report(hosted())
    assert client.post(START).status == 201
    assert client.post(START).error == (
        400,
        4,
        'StartRecording failed with error: "call egress is already running"',
    )


def test_a_recording_that_does_not_run_is_not_stopped(client: Client) -> None:
    client.report(hosted())
    assert client.post(STOP).error == (
        400,
        4,
        'StopRecording failed with error: "call egress is not running"',
    )


def test_a_call_whose_type_disables_recording_is_not_recorded(client: Client) -> None:
    client.report(hosted())
    items = DynamoItems(TABLE, boto3.client("dynamodb"))
    items.put("calltype#default", "settings", {"individual_recording": {"mode": "disabled"}})
    status, code, message = client.post(START).error
    assert (status, code) == (400, 4)
    assert "individual recording is disabled" in message


@pytest.mark.parametrize("kind", ["composite", "raw", "all", "x"])
def test_other_kinds_of_recording_are_refused_by_field(client: Client, kind: str) -> None:
    status, code, message = client.post(START.replace("individual", kind)).error
    assert (status, code) == (400, 4)
    assert f"recording_type: only individual recordings are made here, not {kind}" in message


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (START, "{", "body"),
        (START, "[]", "body"),
        (START, '{"recording_external_storage": 7}', "recording_external_storage"),
        (START, '{"recording_external_storage": "ftp"}', "recording_external_storage"),
        (STOP, '"now"', "body"),
        (START.replace("standup", "x" * 65), "{}", "call_id"),
        (START.replace("default", "x" * 65), "{}", "call_type"),
    ],
)
def test_a_request_that_cannot_be_is_refused_by_field(
    client: Client, path: str, body: str, field: str
) -> None:
    client.report(hosted())
    status, code, message = client.post(path, body).error
    assert (status, code) == (400, 4)
    assert f'failed with error: "{field}: ' in message


@pytest.mark.parametrize(
    ("path", "method"),
    [("/", "GET"), ("/video/call/default/standup", "POST"), (START, "GET"), ("/call/x", "POST")],
)
def test_what_is_not_there_is_not_found(client: Client, path: str, method: str) -> None:
    assert client.post(path, method=method).error == (404, 16, f"there is no {method} {path}")


@pytest.mark.parametrize("path", [START, STOP])
@pytest.mark.parametrize(
    ("token", "api_key", "code"),
    [
        (SERVER, None, 2),
        (SERVER, "another", 2),
        (None, API_KEY, 5),
        ("x", API_KEY, 5),
        (tokens.user_token(API_SECRET, "bob", expires_in_seconds=-60), API_KEY, 40),
        (tokens.server_token("t" * 64), API_KEY, 43),
    ],
    ids=["no key", "another key", "no token", "no JWT", "expired", "another secret"],
)
def test_who_is_not_known_is_not_let_in(
    client: Client, path: str, token: str | None, api_key: str | None, code: int
) -> None:
    assert client.post(path, token=token, api_key=api_key).error[:2] == (401, code)


@pytest.mark.parametrize("path", [START, STOP])
@pytest.mark.parametrize(
    "token",
    [
        tokens.user_token(API_SECRET, "bob"),
        tokens.user_token(API_SECRET, "bob", role="admin", call_cids=["default:retro"]),
        AGENT,
    ],
    ids=["user", "admin of another call", "agent"],
)
def test_who_lacks_the_permission_is_refused(client: Client, path: str, token: str) -> None:
    client.report(hosted())
    status, code, message = client.post(path, token=token).error
    assert (status, code) == (403, 17)
    assert "in call default:standup" in message


def test_a_moderator_of_the_call_may_start_and_stop(client: Client) -> None:
    client.report(hosted())
    token = tokens.user_token(API_SECRET, "eve", role="moderator", call_cids=["default:standup"])
    assert client.post(START, token=token).status == 201
    assert client.post(STOP, token=f"Bearer {token}").status == 201


def test_an_agent_is_told_to_record_what_was_started(client: Client) -> None:
    assert client.report(hosted()).body["recordings"] == []
    egress_id = client.post(START).body["egress_id"]
    answer = client.report(hosted())
    assert answer.status == 200
    (desired,) = answer.body["recordings"]
    assert desired["egress_id"] == egress_id
    assert desired["call_session_id"] == "session-1"
    assert desired["output_types"] == ["audio_video", "screenshare_audio_video"]
    assert answer.body["poke_queue_url"].endswith("/isotrack-agent-sfu-1")


def test_start_and_stop_poke_the_agent_through_its_queue(client: Client) -> None:
    url = client.report(hosted()).body["poke_queue_url"]
    sqs = boto3.client("sqs")
    for path in (START, STOP):
        client.post(path)
        (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0)


def test_started_and_stopped_are_on_the_bus_once_the_agent_has_done_it(
    client: Client, aws: Account
) -> None:
    client.report(hosted())
    egress_id = client.post(START).body["egress_id"]
    assert aws.events() == []
    for _ in range(2):
        client.report(hosted(recordings={egress_id: EgressState.RUNNING}))
    (started,) = aws.events()
    assert (started["type"], started["egress_id"]) == ("call.recording_started", egress_id)
    client.post(STOP)
    for _ in range(2):
        client.report(hosted(recordings={egress_id: EgressState.STOPPED}))
    (stopped,) = aws.events()
    assert (stopped["type"], stopped["egress_id"]) == ("call.recording_stopped", egress_id)


def test_the_end_of_a_call_stops_its_recording(client: Client, aws: Account) -> None:
    client.report(hosted())
    egress_id = client.post(START).body["egress_id"]
    running = {egress_id: EgressState.RUNNING}
    client.report(hosted(recordings=running))
    client.report(hosted(ended_at=at(60), recordings=running))
    assert [event["type"] for event in aws.events()] == [
        "call.recording_started",
        "call.recording_stopped",
    ]
    assert client.post(START).error[2].endswith('"there is no active session"')
    later = hosted(session="session-2", started_at=at(90))
    assert client.report(later).body["recordings"] == []
    assert client.post(START).status == 201


def test_a_call_that_is_auto_on_is_recorded_at_once(
    client: Client, environment: Callable[..., None]
) -> None:
    environment(default_mode="auto-on", default_output_types="audio_only")
    (desired,) = client.report(hosted()).body["recordings"]
    assert desired["output_types"] == ["audio_only"]


@pytest.mark.parametrize(
    "token",
    [
        tokens.agent_token(API_SECRET, "sfu-2"),
        tokens.user_token(API_SECRET, "bob", role="admin", call_cids=["default:standup"]),
    ],
)
def test_nobody_else_reports_for_an_agent(client: Client, token: str) -> None:
    assert client.report(hosted(), token=token).error[:2] == (403, 17)


def test_a_server_may_report_for_an_agent(client: Client) -> None:
    assert client.report(hosted(), token=SERVER).status == 200


def test_a_report_without_token_is_not_taken(client: Client) -> None:
    assert client.post("/agents/sfu-1/report", "{}", token=None).error[:2] == (401, 5)


def test_a_malformed_report_is_refused_by_field(client: Client) -> None:
    fields = report(hosted()).model_dump(mode="json")
    fields["calls"][0]["started_at"] = "yesterday"
    answer = client.post("/agents/sfu-1/report", json.dumps(fields), token=AGENT)
    status, code, message = answer.error
    assert (status, code) == (400, 4)
    assert message.startswith('ReportCalls failed with error: "calls.0.started_at: ')


def test_the_samples_are_requests_that_are_answered(client: Client, sample: Sample) -> None:
    for name, token, status in [
        ("api.report_calls", AGENT, 200),
        ("api.start_recording", SERVER, 201),
        ("api.stop_recording", SERVER, 201),
    ]:
        event = sample(name)
        event["headers"]["authorization"] = token
        assert client.send(event).status == status, name


def test_a_report_of_a_call_keeps_when_it_began(client: Client) -> None:
    client.report(hosted())
    item = DynamoItems(TABLE, boto3.client("dynamodb")).get("call#default#standup", "state")
    assert item is not None
    assert item["session"]["started_at"] == NOON.isoformat().replace("+00:00", "Z")
