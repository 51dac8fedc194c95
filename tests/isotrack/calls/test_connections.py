from __future__ import annotations

from isotrack.calls.connections import Connection
from isotrack.calls.permissions import Caller
from tests.builders import NOON, at


def test_a_connection_is_nobodys_until_it_is_authenticated() -> None:
    connection = Connection(connection_id="c1", opened_at=NOON, expires_at=at(60))
    assert not connection.authenticated
    assert connection.caller == Caller()


def test_an_authenticated_connection_is_of_the_caller_whose_token_it_sent() -> None:
    connection = Connection(
        connection_id="c1",
        user_id="bob",
        role="host",
        call_cids=("default:standup",),
        token_issued_at=at(-60),
        opened_at=NOON,
        expires_at=at(60),
    )
    assert connection.authenticated
    assert connection.caller == Caller(
        user_id="bob", role="host", call_cids=("default:standup",), issued_at=at(-60)
    )
