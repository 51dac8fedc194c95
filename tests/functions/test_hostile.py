"""Whatever is sent, it is answered in JSON, as the description says, and never with a 500."""

from __future__ import annotations

import json
import string
from collections.abc import Iterator

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.operations import Operation
from functions.routes import OPERATIONS
from isotrack.adapters import tokens
from tests.aws import TABLE
from tests.functions.api_client import API_SECRET, SERVER, Client
from tests.functions.conftest import API_ENVIRONMENT, installed, invocation

BOB = tokens.user_token(API_SECRET, "bob")
IDS = {
    "slash": "a/b",
    "dots": "..",
    "dot": ".",
    "percent": "%2e%2e%2f",
    "space": " ",
    "quote": "\"'`",
    "hash": "a#b",
    "question": "a?b",
    "backslash": "..\\..\\x",
    "accent": "caf\u00e9",
    "kanji": "\u4f1a\u8b70",
    "emoji": "\U0001f3a5",
    "combining": "a\u0301" * 32,
    "direction": "\u202ecod.exe",
    "separator": "a\u2028b",
    "null": "a\x00b",
    "newline": "a\nb",
    "delete": "a\x7f",
    "colon": "default:x",
    "full": "x" * 64,
    "long": "x" * 65,
    "wide": "\U0001f3a5" * 64,
    "huge": "x" * 5000,
    "template": "{id}",
    "sql": "'; DROP TABLE calls; --",
}
RICH = {
    "float": 1.5,
    "tiny": 5e-324,
    "huge": 1e308,
    "endless": 10**400,
    "big": 2**70,
    "precise": 0.1234567890123456789,
    "minus": -0.0,
    "null": None,
    "empty": "",
    "list": [[], {}, [None, True, "\x00"]],
    "": {"": ""},
    "__proto__": {"$set": 1},
}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """One for all: nothing that is sent here may spoil it for the next."""
    with installed() as found, pytest.MonkeyPatch.context() as environment:
        for name, value in {**API_ENVIRONMENT, "api_secret_arn": found.secret_arn}.items():
            environment.setenv(name.upper(), value)
        sender = Client(invocation())
        assert sender.post("/api/v2/users", {"users": {"bob": {"id": "bob"}}}).status == 201
        yield sender


def filled(operation: Operation, hostile: str, number: int) -> str:
    """The path of an operation with one of its parameters hostile, the others plain."""
    path = operation.prefixes[-1] + operation.path
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    plain = {"type": "default", "recording_type": "individual"}
    for position, name in enumerate(names):
        value = hostile if position == number else plain.get(name, "x")
        path = path.replace("{" + name + "}", value)
    return path


@pytest.mark.slow  # a thousand requests
@pytest.mark.parametrize("hostile", IDS.values(), ids=IDS)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_a_hostile_id_in_a_path_is_handled_or_refused(
    client: Client, operation: Operation, hostile: str
) -> None:
    for number in range(operation.path.count("{")):
        path = filled(operation, hostile, number)
        for token in (SERVER, BOB):
            answer = client.send(operation.method, path, {}, token=token)
            assert answer.status in (200, 201, 400, 403, 404, 405), answer


@pytest.mark.parametrize("name", ["null", "newline", "delete", "long", "huge"])
def test_an_id_that_can_be_none_is_refused_by_name(client: Client, name: str) -> None:
    answer = client.get(f"/video/call/default/{IDS[name]}")
    assert answer.error[:2] == (400, 4)
    assert answer.body["exception_fields"].keys() == {"id"}


@pytest.mark.parametrize("name", sorted(IDS.keys() - {"null", "newline", "delete", "long", "huge"}))
def test_every_other_id_names_a_call_of_its_own(client: Client, name: str) -> None:
    if "/" in IDS[name]:
        pytest.skip("a gateway decodes it, so that it names no call but a longer path")
    path = f"/video/call/development/{IDS[name]}"
    data = {"created_by_id": "bob", "custom": {"name": name}}
    made = client.post(path, {"data": data})
    assert made.status == 201, made.body
    assert made.body["created"] is True
    assert made.body["call"]["id"] == IDS[name]
    assert client.get(path).body["call"]["custom"] == {"name": name}


def test_no_id_reaches_a_key_of_the_table_unescaped(client: Client) -> None:
    client.post("/video/call/development/a#b", {"data": {"created_by_id": "bob"}})
    client.post("/video/call/development/..", {"data": {"created_by_id": "bob"}})
    items = boto3.client("dynamodb").scan(TableName=TABLE)["Items"]
    keys = {item["pk"]["S"] for item in items}
    assert "call#development#a%23b" in keys
    assert not [key for key in keys if "/" in key or "\\" in key or key.count("#") > 2]


@pytest.mark.parametrize("hostile", IDS.values(), ids=IDS)
def test_a_hostile_user_id_is_handled_or_refused(client: Client, hostile: str) -> None:
    for user_id in (hostile, (hostile * 255)[:255]):
        made = client.post("/api/v2/users", {"users": {user_id: {"id": user_id}}})
        assert made.status in (201, 400), made.body
        token = tokens.user_token(API_SECRET, user_id)
        asked = client.post("/video/call/development/hostile", {}, token=token)
        assert asked.status in (201, 400, 401), asked.body
        member = {"update_members": [{"user_id": user_id}]}
        changed = client.post("/video/call/development/hostile/members", member)
        assert changed.status in (201, 400, 404), changed.body


def test_custom_data_comes_back_as_it_was_sent(client: Client) -> None:
    path = "/video/call/development/custom"
    kept = {name: value for name, value in RICH.items() if name != "endless"}
    made = client.post(path, {"data": {"created_by_id": "bob", "custom": kept}})
    assert made.status == 201, made.body
    assert made.body["call"]["custom"] == kept
    assert client.get(path).body["call"]["custom"] == kept


@pytest.mark.parametrize("custom", [{"x": 10**400}, {"x": 1e400}, {"x": "y" * 6000}, [], "x", 7])
def test_custom_data_that_cannot_be_is_refused(client: Client, custom: object) -> None:
    body = json.dumps({"custom": custom}).replace("Infinity", "1e400")
    answer = client.patch("/video/call/development/custom", body)
    assert answer.status in (200, 400), answer.body


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_any_json_in_the_fields_of_a_body_is_taken_or_refused(
    client: Client, operation: Operation, data: st.DataObject
) -> None:
    fields = operation.body_model.model_fields if operation.body_model is not None else {"x": 1}
    body = data.draw(st.dictionaries(st.sampled_from(sorted(fields) or ["x"]), JSON) | JSON)
    path = filled(operation, "hostile", -1)
    answer = client.send(operation.method, path, json.dumps(body), token=SERVER)
    assert answer.status in (200, 201, 400, 403, 404), answer


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    query=st.dictionaries(
        st.sampled_from(["limit", "next", "members_limit", "payload", "connection_id", "user_id"]),
        st.text() | st.integers().map(str) | JSON.map(json.dumps),
    )
)
@pytest.mark.parametrize(
    "operation",
    [each for each in OPERATIONS if each.query_model is not None],
    ids=lambda operation: operation.name,
)
def test_any_query_is_taken_or_refused(
    client: Client, operation: Operation, query: dict[str, str]
) -> None:
    path = filled(operation, "hostile", -1)
    for token in (SERVER, BOB):
        answer = client.send(operation.method, path, {}, token=token, query=query)
        assert answer.status in (200, 201, 400, 401, 403, 404), answer


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(token=st.text() | st.text(alphabet=string.ascii_letters + string.digits + "-_.="))
def test_any_token_is_refused(client: Client, token: str) -> None:
    answer = client.get("/video/calltypes", token=token)
    assert answer.error[:2] == (401, 5)
