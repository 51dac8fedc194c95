from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest

from infra.local.http_events import Request, Route, find, from_result, to_event


def request(method: str = "GET", target: str = "/", body: bytes = b"", **headers: str) -> Request:
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Request(method, target, "HTTP/1.1", [("Host", "api:80"), *pairs], body, "127.0.0.1")


def event(of: Request, key: str = "ANY /{proxy+}") -> dict[str, object]:
    route = Route(key, "arn")
    parameters = route.match(of.method, of.target.partition("?")[0])
    assert parameters is not None
    received = datetime(2025, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)
    return to_event(of, route, parameters, api_id="api1", request_id="request1", received=received)


def test_names_of_headers_are_lower_case_and_repeated_ones_joined():
    made = event(Request("GET", "/a", "HTTP/1.1", [("X-A", "1"), ("x-a", "2")], b"", "127.0.0.1"))
    assert made["headers"] == {"x-a": "1,2"}


def test_the_path_is_decoded_and_the_query_is_given_both_ways():
    made = event(request(target="/calls/a%3Ab?x=1&x=2&y=%20&z="))
    assert made["rawPath"] == "/calls/a:b"
    assert made["rawQueryString"] == "x=1&x=2&y=%20&z="
    assert made["queryStringParameters"] == {"x": "1,2", "y": " ", "z": ""}
    assert made["pathParameters"] == {"proxy": "calls/a:b"}


def test_what_is_not_there_is_left_out():
    made = event(request(), "$default")
    assert not made.keys() & {"body", "cookies", "pathParameters", "queryStringParameters"}
    assert made["isBase64Encoded"] is False


def test_cookies_are_a_list_and_no_header():
    made = event(request(Cookie="a=1; b=2"), "$default")
    assert made["cookies"] == ["a=1", "b=2"]
    assert "cookie" not in made["headers"]


def test_the_context_tells_of_the_request():
    made = event(request("POST", "/a", User_Agent="curl"))
    context = made["requestContext"]
    assert context["http"] == {
        "method": "POST",
        "path": "/a",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "curl",
    }
    assert (context["time"], context["timeEpoch"]) == ("01/Mar/2025:12:30:15 +0000", 1740832215250)
    assert (context["requestId"], context["routeKey"]) == ("request1", "ANY /{proxy+}")


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("application/json; charset=utf-8", b'{"a": "\xc3\xa9"}', '{"a": "é"}'),
        ("text/plain", b"a", "a"),
        ("application/problem+json", b"{}", "{}"),
        ("application/octet-stream", b"\x00\x01", None),
        ("application/json", b"\xff", None),
        ("", b"a", None),
    ],
)
def test_a_body_is_text_if_its_type_says_so_and_else_base64(content_type, body, text):
    made = event(request("POST", "/a", body, Content_Type=content_type))
    encoded = base64.b64encode(body).decode()
    assert (made["body"], made["isBase64Encoded"]) == (text or encoded, text is None)


@pytest.mark.parametrize(
    ("method", "target", "key"),
    [
        ("GET", "/calls", "GET /calls"),
        ("POST", "/calls", "ANY /calls"),
        ("GET", "/calls/a", "GET /calls/{id}"),
        ("GET", "/calls/a/b", "ANY /calls/{rest+}"),
        ("DELETE", "/calls/a", "ANY /calls/{rest+}"),
        ("GET", "/other?x=/calls", "$default"),
    ],
)
def test_the_most_specific_route_takes_a_request(method, target, key):
    keys = ["$default", "ANY /calls/{rest+}", "GET /calls/{id}", "ANY /calls", "GET /calls"]
    found = find([Route(each, "arn") for each in keys], request(method, target))
    assert found is not None
    assert found[0].key == key


def test_a_request_that_no_route_takes_is_not_found():
    routes = [Route("GET /calls/{rest+}", "arn")]
    assert find(routes, request("GET", "/calls")) is None
    assert find(routes, request("POST", "/calls/a")) is None


def test_a_structured_result_becomes_that_response():
    response = from_result(
        json.dumps(
            {
                "statusCode": 201,
                "headers": {"X-A": "1", "Content-Length": "99"},
                "cookies": ["a=1", "b=2"],
                "body": "AAEC",
                "isBase64Encoded": True,
            }
        ).encode()
    )
    assert (response.status, response.body) == (201, b"\x00\x01\x02")
    assert ("x-a", "1") in response.headers
    assert [value for name, value in response.headers if name == "set-cookie"] == ["a=1", "b=2"]
    assert "content-length" not in dict(response.headers)


def test_a_result_without_a_status_is_the_body_of_a_200():
    response = from_result(b'{"a": 1}')
    assert (response.status, json.loads(response.body)) == (200, {"a": 1})
    assert dict(response.headers)["content-type"] == "application/json"


@pytest.mark.parametrize(
    "result",
    [
        {"statusCode": "many"},
        {"statusCode": 200, "body": {"not": "text"}},
        {"statusCode": 200, "body": "?", "isBase64Encoded": True},
        {"statusCode": 200, "headers": ["a"]},
    ],
)
def test_a_result_that_is_no_response_is_a_500(result):
    response = from_result(json.dumps(result).encode())
    assert (response.status, response.body) == (500, b'{"message":"Internal Server Error"}')
