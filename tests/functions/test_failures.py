"""What goes wrong on our side, and what the one who asked hears of it."""

from __future__ import annotations

import pytest

from tests.functions.api_client import Client

CALL = "/video/call/development/standup"
ORIGIN = "https://app.example.com"


def test_a_failure_of_ours_is_told_without_its_details(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TABLE", "elsewhere")  # a table that is not there
    answer = client.get(CALL, headers={"origin": ORIGIN})
    assert answer.error == (500, -1, "something went wrong on our side")
    assert answer.headers["access-control-allow-origin"] in ("*", ORIGIN)
