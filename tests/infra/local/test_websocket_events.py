from __future__ import annotations

from datetime import UTC, datetime

import pytest

from infra.local.http_events import Request
from infra.local.websocket_events import Peer, connect_event, disconnect_event, route_key

AT = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
PEER = Peer("L0SM9cOFvHcCIhw=", AT, "127.0.0.1", "browser", "localhost:1", "api", "video")


def test_the_event_of_an_opening_request_has_its_query_and_headers():
    request = Request(
        "GET",
        "/connect?api_key=a%20b&x=1&x=2",
        "HTTP/1.1",
        [("Host", "localhost:1"), ("X-A", "1"), ("X-A", "2")],
        b"",
        "127.0.0.1",
    )
    event = connect_event(request, PEER, AT)
    assert event["queryStringParameters"] == {"api_key": "a b", "x": "2"}
    assert event["multiValueQueryStringParameters"] == {"api_key": ["a b"], "x": ["1", "2"]}
    assert event["headers"] == {"Host": "localhost:1", "X-A": "2"}
    assert event["multiValueHeaders"]["X-A"] == ["1", "2"]
    context = event["requestContext"]
    assert (context["routeKey"], context["eventType"]) == ("$connect", "CONNECT")
    assert context["connectionId"] == PEER.connection_id
    assert context["requestTime"] == "01/Mar/2026:12:00:00 +0000"


def test_an_opening_request_without_a_query_has_no_parameters():
    event = connect_event(Request("GET", "/connect", "HTTP/1.1", [], b"", ""), PEER, AT)
    assert "queryStringParameters" not in event


def test_the_event_of_an_end_says_why():
    event = disconnect_event(1001, "Going away", PEER, AT)
    assert event["requestContext"]["disconnectStatusCode"] == 1001
    assert event["requestContext"]["disconnectReason"] == "Going away"
    assert "body" not in event


@pytest.mark.parametrize(
    ("expression", "text", "key"),
    [
        ("$request.body.action", '{"action": "a"}', "a"),
        ("$request.body.a.b", '{"a": {"b": "c"}}', "c"),
        ("$request.body.a.b", '{"a": "b"}', ""),
        ("$request.body.action", '{"action": 1}', ""),
        ("$request.body.action", "[" * 100_000, ""),
        ("$request.body.action", "", ""),
        ("something else", '{"action": "a"}', ""),
    ],
)
def test_a_route_is_looked_for_by_what_the_expression_selects(expression, text, key):
    assert route_key(expression, text) == key
