from __future__ import annotations

import socket

import pytest

from isotrack.adapters.webhook import HttpEndpoint
from isotrack.recording.errors import DestinationError
from tests.receiver import receiver

BODY = b'{"type":"call.recording_started"}'


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_post_that_is_answered_with_success_is_done(status: int) -> None:
    with receiver(status) as endpoint:
        HttpEndpoint(endpoint.url).post(BODY, {"X-WEBHOOK-ID": "7"})
        (post,) = endpoint.posts
    assert post.path == "/hook?a=b"
    assert post.body == BODY
    assert post.headers["X-WEBHOOK-ID"] == "7"


@pytest.mark.parametrize("status", [400, 404, 410, 429, 500, 503])
def test_any_other_answer_is_a_refusal(status: int) -> None:
    with receiver(status) as endpoint:
        with pytest.raises(DestinationError, match=f"127.0.0.1 answered {status}"):
            HttpEndpoint(endpoint.url).post(BODY, {})
        assert len(endpoint.posts) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_refusal_and_is_not_followed(status: int) -> None:
    with receiver(status, 200) as endpoint:
        with pytest.raises(DestinationError, match=f"answered {status}"):
            HttpEndpoint(endpoint.url).post(BODY, {})
        assert len(endpoint.posts) == 1


def test_an_endpoint_that_does_not_answer_is_given_up() -> None:
    with (
        receiver(0) as endpoint,
        pytest.raises(DestinationError, match=r"127\.0\.0\.1: ReadTimeout"),
    ):
        HttpEndpoint(endpoint.url, timeout_seconds=0.05).post(BODY, {})


def test_an_endpoint_that_is_not_there_is_a_refusal() -> None:
    with socket.socket() as taken:  # bound and not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        with pytest.raises(DestinationError, match="ConnectError"):
            HttpEndpoint(url).post(BODY, {})


def test_a_proxy_in_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with receiver(200) as endpoint:
        HttpEndpoint(endpoint.url).post(BODY, {})
        assert len(endpoint.posts) == 1


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://host/", "host/path", "http://", "", "http://[::1", "//x"]
)
def test_a_url_that_is_not_http_is_refused(url: str) -> None:
    with pytest.raises(DestinationError, match="webhook's url"):
        HttpEndpoint(url)
