"""What holds for every operation: routes, envelopes, times, CORS, and who is let in."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

import jwt
import pytest

from functions.api import app
from functions.request import BODY_LIMIT
from functions.routes import OPERATIONS
from isotrack.adapters import tokens
from tests.functions.api_client import API_KEY, API_SECRET, SERVER, Client
from tests.functions.conftest import API_ENVIRONMENT, installed, invocation


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """One for all: what is tested here leaves nothing behind that matters to another."""
    with installed() as found, pytest.MonkeyPatch.context() as environment:
        for name, value in {**API_ENVIRONMENT, "api_secret_arn": found.secret_arn}.items():
            environment.setenv(name.upper(), value)
        yield Client(invocation())


TYPES = "/video/calltypes"
SERVER_TYPES = "/api/v2/video/calltypes"
CALL = "/video/call/development/standup"
ORIGIN = "https://app.example.com"
BOB = tokens.user_token(API_SECRET, "bob")


def test_moments_are_nanoseconds_behind_one_prefix_and_rfc_3339_behind_the_other(
    client: Client,
) -> None:
    created = client.post(SERVER_TYPES, {"name": "interview"})
    assert created.status == 201
    assert re.fullmatch(r"\d+\.\d\dms", created.body["duration"])
    nanoseconds = created.body["created_at"]
    assert isinstance(nanoseconds, int)
    shown = client.get(f"{TYPES}/interview").body["created_at"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", shown)
    assert client.get(f"{SERVER_TYPES}/interview").body["created_at"] == nanoseconds


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("POST", "/call/x"),
        ("GET", "/video/calltypes/"),
        ("GET", "/video/calltypes\n"),
    ],
)
def test_what_is_not_there_is_not_found(client: Client, method: str, path: str) -> None:
    assert client.send(method, path).error == (404, 16, f"there is no {method} {path}")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD"])
def test_a_path_that_does_not_take_the_method_says_which_it_takes(
    client: Client, method: str
) -> None:
    answer = client.send(method, TYPES)
    assert answer.error == (405, 4, f"{TYPES} takes GET, POST, not {method}")
    assert answer.headers["allow"] == "GET, POST"


def test_a_browser_may_ask_from_any_origin(client: Client) -> None:
    asks = {
        "origin": ORIGIN,
        "access-control-request-method": "PATCH",
        "access-control-request-headers": "authorization,stream-auth-type,x-stream-client",
    }
    answer = client.send("OPTIONS", CALL, token=None, api_key=None, headers=asks)
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] in ("*", ORIGIN)
    methods = answer.headers["access-control-allow-methods"].split(",")
    assert {"GET", "POST", "PUT", "PATCH", "DELETE"} <= set(methods)
    allowed = {h.lower() for h in answer.headers["access-control-allow-headers"].split(",")}
    assert {
        "authorization",
        "content-type",
        "stream-auth-type",
        "x-stream-client",
        "x-client-request-id",
    } <= allowed


@pytest.mark.parametrize(
    ("method", "path", "token", "status"),
    [
        ("GET", TYPES, SERVER, 200),
        ("GET", TYPES, None, 401),
        ("GET", TYPES, BOB, 403),
        ("GET", "/video/nothing", SERVER, 404),
        ("GET", f"{TYPES}/unknown", SERVER, 404),
        ("DELETE", TYPES, SERVER, 405),
        ("POST", TYPES, SERVER, 400),
    ],
)
def test_a_browser_can_read_refusals_too(
    client: Client, method: str, path: str, token: str | None, status: int
) -> None:
    answer = client.send(method, path, token=token, headers={"origin": ORIGIN})
    assert answer.status == status
    assert answer.headers["access-control-allow-origin"] in ("*", ORIGIN)
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("{", "body: Invalid JSON"),
        ("[]", "body: "),
        ('"now"', "body: "),
        ('{"name": "x", "settings": NaN}', "body: Invalid JSON"),
        ('{"name": "\\ud800"}', "body: Invalid JSON"),
        ('{"name": "a\\u0000b"}', "name: "),
        ('{"name": "' + "x" * 65 + '"}', "name: "),
        ('{"name": 7}', "name: "),
        ('{"settings": {}}', "name: Field required"),
        ('{"name": "x", "grants": {"user": "start-recording"}}', "grants.user: "),
        ('{"name": ' + "[" * 5000 + "]" * 5000 + "}", "body: Invalid JSON: recursion limit"),
        ("[" * 100_000, "body: Invalid JSON"),
        (
            '{"name": "x", "settings": {"individual_recording": {"mode": "on"}}}',
            "settings.individual_recording.mode: ",
        ),
        (
            '{"name": "x", "settings": {"individual_recording": {"output_types": []}}}',
            "settings.individual_recording.mode: Field required",
        ),
        (
            '{"name": "x", "settings": {"audio": {"default_device": "speaker", '
            '"mic_default_on": "yes"}}}',
            "settings.audio.mic_default_on: ",
        ),
    ],
)
def test_a_body_that_cannot_be_is_refused_by_field(client: Client, body: str, problem: str) -> None:
    answer = client.post(TYPES, body)
    status, code, message = answer.error
    assert (status, code) == (400, 4)
    assert message.startswith(f'CreateCallType failed with error: "{problem}')
    field = problem.partition(":")[0]
    assert field in answer.body["exception_fields"]


def test_every_field_that_is_wrong_is_told(client: Client) -> None:
    answer = client.post(TYPES, {"name": "", "grants": 7, "settings": {"limits": []}})
    assert answer.status == 400
    assert answer.body["exception_fields"].keys() == {"name", "grants", "settings.limits"}


def test_fields_that_nobody_knows_are_ignored(client: Client) -> None:
    body = {"future": {"a": [1]}, "settings": {"future": True}}
    assert client.put(f"{TYPES}/default", body).status == 201


@pytest.mark.parametrize("content", [b"\xff\xfe{}", b'{"name": "\xff"}', b"\x1f\x8b\x08\x00"])
def test_a_body_that_is_not_utf_8_is_refused(client: Client, content: bytes) -> None:
    answer = client.post(TYPES, base64.b64encode(content).decode(), encoded=True)
    assert answer.error[:2] == (400, 4)


def test_a_body_that_should_be_base64_and_is_not_is_refused(client: Client) -> None:
    assert client.post(TYPES, "a", encoded=True).error[:2] == (400, 4)


def test_a_body_may_come_in_base64(client: Client) -> None:
    body = base64.b64encode(b'{"grants": {"guest": ["read-call"]}}').decode()
    answer = client.put(f"{TYPES}/default", body, encoded=True)
    assert answer.body["grants"]["guest"] == ["read-call"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "x", ""])
def test_a_body_that_is_not_said_to_be_json_is_refused(client: Client, kind: str) -> None:
    answer = client.post(TYPES, "{}", headers={"content-type": kind})
    assert answer.error[:2] == (400, 4)
    assert "content-type" in answer.body["exception_fields"]


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", None])
def test_json_may_be_declared_in_several_ways(client: Client, kind: str | None) -> None:
    answer = client.put(f"{TYPES}/default", {}, headers={"content-type": kind})
    assert answer.status == 201


@pytest.mark.parametrize("body", [None, "", " ", "null", "{}"])
def test_where_a_body_may_be_left_out_its_type_does_not_matter(
    client: Client, body: str | None
) -> None:
    form = {"content-type": "application/x-www-form-urlencoded" if body != "{}" else None}
    assert client.put(f"{TYPES}/default", body, headers=form).status == 201


def test_a_body_that_is_too_large_is_refused(client: Client) -> None:
    fits = "{}" + " " * (BODY_LIMIT - 2)
    assert client.put(f"{TYPES}/default", fits).status == 201
    assert client.put(f"{TYPES}/default", fits + " ").error[:2] == (413, 22)


@pytest.mark.parametrize(
    ("api_key", "headers", "code"),
    [
        (None, {}, 2),
        ("", {}, 2),
        ("another", {}, 2),
        ("é\x00", {}, 2),
        (API_KEY, {"authorization": None}, 5),
        (API_KEY, {"authorization": ""}, 5),
        (API_KEY, {"authorization": "Bearer"}, 5),
        (API_KEY, {"authorization": "Basic eDp5"}, 5),
        (API_KEY, {"authorization": "x.y.z"}, 5),
        (API_KEY, {"authorization": "é.é.é"}, 5),
        (API_KEY, {"authorization": "a." * 5000}, 5),
        (API_KEY, {"stream-auth-type": "anonymous"}, 5),
        (API_KEY, {"stream-auth-type": "Anonymous", "authorization": None}, 5),
    ],
)
@pytest.mark.parametrize("path", [TYPES, CALL])
def test_who_is_not_known_is_not_let_in(
    client: Client, path: str, api_key: str | None, headers: dict[str, str | None], code: int
) -> None:
    assert client.get(path, api_key=api_key, headers=headers).error[:2] == (401, code)


def test_an_anonymous_user_is_told_what_to_do(client: Client) -> None:
    answer = client.get(CALL, token=None, headers={"stream-auth-type": "anonymous"})
    assert "anonymous users are not let in" in answer.error[2]


def signed(secret: str = API_SECRET, algorithm: str = "HS256", **claims: object) -> str:
    return jwt.encode({"user_id": "bob", **claims}, secret, algorithm=algorithm)


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (signed(exp=1), 40),
        (signed(nbf=32503680000), 41),
        (signed(iat=32503680000), 42),
        (signed("t" * 64), 43),
        (signed(algorithm="HS512"), 5),
        (signed("", algorithm="none"), 5),
        (signed(exp="soon"), 5),
        (signed(exp=float("inf")), 5),
        (signed(user_id=7), 5),
        (signed(user_id=None, call_cids=["development:standup"]), 5),
    ],
)
def test_a_token_that_is_not_good_has_the_code_of_what_is_wrong(
    client: Client, token: str, code: int
) -> None:
    assert client.post(CALL, {}, token=token).error[:2] == (401, code)
    assert client.post(CALL, {}, token=f"Bearer {token}").error[:2] == (401, code)


def test_the_browsers_user_is_the_one_of_the_token(client: Client) -> None:
    assert client.post(CALL, {}, token=BOB, query={"user_id": "bob"}).status == 201
    answer = client.post(CALL, {}, token=BOB, query={"user_id": "alice"})
    assert answer.error[:2] == (401, 5)
    assert "user_id in the query" in answer.error[2]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_nobody_asks_for_what_is_not_theirs_to_ask(client: Client, operation: object) -> None:
    from functions.operations import Asking, Operation

    assert isinstance(operation, Operation)
    path = operation.prefixes[0] + re.sub(r"\{\w+\}", "individual", operation.path)
    agent = tokens.agent_token(API_SECRET, "another")
    who = {Asking.CLIENTS: [agent], Asking.SERVERS: [agent, BOB], Asking.AGENTS: [BOB]}
    for token in who[operation.asking]:
        assert client.send(operation.method, path, {}, token=token).error[:2] == (403, 17)


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation.name for operation in OPERATIONS]
    assert len(set(names)) == len(names)
    assert all(operation.summary.endswith(".") for operation in OPERATIONS)
    assert app is not None
