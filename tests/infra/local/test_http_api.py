from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

import httpx
import pytest

from infra.local.front_door import BODY_LIMIT


@pytest.fixture
def http(stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.api_url, trust_env=False, timeout=30) as client:
        yield client


def test_a_request_reaches_the_function_and_its_answer_the_client(http):
    answer = http.post("/calls/default%3A1?x=1", json={"a": 1}, headers={"X-Key": "k"})
    assert answer.status_code == 200
    event = answer.json()
    assert (event["version"], event["routeKey"]) == ("2.0", "ANY /{proxy+}")
    assert event["rawPath"] == "/calls/default:1"
    assert json.loads(event["body"]) == {"a": 1}
    assert event["headers"]["x-key"] == "k"


def test_a_binary_answer_is_decoded(http):
    answer = http.get("/binary")
    assert (answer.status_code, answer.content) == (201, b"\x00\x01\x02")
    assert answer.cookies["a"] == "1"


def test_a_function_that_fails_is_a_500_that_tells_nothing(http):
    answer = http.get("/fail")
    assert (answer.status_code, answer.json()) == (500, {"message": "Internal Server Error"})


def test_a_result_without_a_status_is_a_200(http):
    assert http.get("/plain").json() == {"no": "status code"}


def test_a_path_without_a_route_is_a_404(http):
    answer = http.get("/")
    assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})


def test_a_body_above_10_mib_is_refused_before_it_is_read(stack):
    with closing(HTTPConnection(urlsplit(stack.api_url).netloc)) as connection:
        connection.putrequest("POST", "/a")
        connection.putheader("Content-Length", str(BODY_LIMIT + 1))
        connection.endheaders()
        answer = connection.getresponse()
        assert answer.status == 413
        assert json.loads(answer.read()) == {"message": "Request Entity Too Large"}


def test_a_length_that_is_no_number_is_refused(stack):
    with closing(HTTPConnection(urlsplit(stack.api_url).netloc)) as connection:
        connection.putrequest("POST", "/a")
        connection.putheader("Content-Length", "-1")
        connection.endheaders()
        assert connection.getresponse().status == 411


def test_an_event_above_6_mib_is_refused(http):
    assert http.post("/a", content=b"\x00" * 5_000_000).status_code == 413


def test_one_connection_serves_many_requests(http):
    assert [http.get(f"/{number}").json()["rawPath"] for number in range(3)] == ["/0", "/1", "/2"]
