from __future__ import annotations

import time
from datetime import UTC, datetime

import jwt
import pytest

from isotrack.adapters.tokens import (
    TokenProblem,
    Unauthenticated,
    agent_token,
    server_token,
    user_token,
    verify,
)
from isotrack.calls.permissions import Caller

SECRET = "s" * 64
NOW = int(time.time())
HOUR = 3600
"""Longer than the whole suite takes: `NOW` is when it was loaded."""


def signed(claims: dict[str, object], *, secret: str = SECRET, algorithm: str = "HS256") -> str:
    return jwt.encode(claims, secret, algorithm=algorithm)


def problem(token: str) -> TokenProblem:
    with pytest.raises(Unauthenticated) as caught:
        verify(token, SECRET)
    return caught.value.problem


def test_each_kind_of_token_says_who_holds_it() -> None:
    assert verify(server_token(SECRET), SECRET) == Caller(server=True)
    assert verify(agent_token(SECRET, "sfu-1"), SECRET) == Caller(agent_id="sfu-1")
    issued_at = datetime.fromtimestamp(NOW, UTC)
    assert verify(signed({"user_id": "bob"}), SECRET) == Caller(user_id="bob")
    assert verify(
        signed({"user_id": "bob", "iat": NOW, "call_cids": ["default:standup"], "role": "host"}),
        SECRET,
    ) == Caller(user_id="bob", role="host", call_cids=("default:standup",), issued_at=issued_at)


def test_a_users_token_is_good_from_when_it_was_issued_until_it_expires() -> None:
    caller = verify(
        user_token(
            SECRET, "bob", expires_in_seconds=60, call_cids=["default:standup"], role="host"
        ),
        SECRET,
    )
    assert (caller.user_id, caller.role, caller.call_cids) == ("bob", "host", ("default:standup",))
    assert caller.issued_at is not None
    assert caller.issued_at.timestamp() >= NOW


def test_a_token_that_claims_nothing_at_all_is_a_servers() -> None:
    assert verify(signed({}), SECRET) == Caller(server=True)
    assert verify(signed({"iat": NOW, "exp": NOW + HOUR}), SECRET) == Caller(server=True)


@pytest.mark.parametrize(
    "claims",
    [{"call_cids": ["default:standup"]}, {"role": "admin"}, {"server": False}],
)
def test_a_users_token_without_user_is_not_a_servers(claims: dict[str, object]) -> None:
    assert problem(signed(claims)) is TokenProblem.INVALID


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"exp": NOW - HOUR}, TokenProblem.EXPIRED),
        ({"nbf": NOW + HOUR}, TokenProblem.NOT_YET_VALID),
        ({"iat": NOW + HOUR}, TokenProblem.USED_BEFORE_ISSUED),
        ({"user_id": 7}, TokenProblem.INVALID),
        ({"user_id": ""}, TokenProblem.INVALID),
        ({"user_id": "b\nob"}, TokenProblem.INVALID),
        ({"user_id": "b" * 256}, TokenProblem.INVALID),
        ({"call_cids": "default:standup"}, TokenProblem.INVALID),
        ({"server": "yes"}, TokenProblem.INVALID),
        ({"iat": "today"}, TokenProblem.INVALID),
        ({"exp": "never"}, TokenProblem.INVALID),
        ({"exp": True}, TokenProblem.INVALID),
        ({"exp": float("inf")}, TokenProblem.INVALID),
        ({"iat": float("nan")}, TokenProblem.INVALID),
        ({"iat": -1e300}, TokenProblem.INVALID),
        ({"nbf": 10**30}, TokenProblem.INVALID),
    ],
)
def test_wrong_claims_have_the_codes_of_the_api(
    claims: dict[str, object], expected: TokenProblem
) -> None:
    assert problem(signed({"user_id": "bob", **claims})) is expected


def test_a_token_of_another_secret_has_a_bad_signature() -> None:
    assert problem(server_token("t" * 64)) is TokenProblem.BAD_SIGNATURE


def test_a_tampered_token_has_a_bad_signature() -> None:
    header, _, signature = user_token(SECRET, "bob").split(".")
    payload = server_token(SECRET).split(".")[1]
    assert problem(f"{header}.{payload}.{signature}") is TokenProblem.BAD_SIGNATURE


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_only_hs256_is_taken(algorithm: str) -> None:
    token = signed({"server": True}, algorithm=algorithm)
    assert problem(token) is TokenProblem.INVALID


def test_an_unsigned_token_is_not_taken() -> None:
    assert problem(signed({"server": True}, secret="", algorithm="none")) is TokenProblem.INVALID


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"null", b"7", b"\xff", b"[" * 100_000])
def test_a_signed_payload_that_is_no_object_is_invalid(payload: bytes) -> None:
    assert problem(jwt.PyJWS().encode(payload, SECRET, algorithm="HS256")) is TokenProblem.INVALID


def test_claims_of_others_are_ignored() -> None:
    token = signed({"user_id": "bob", "aud": "app", "iss": "us", "sub": 7, "jti": {}, "x": None})
    assert verify(token, SECRET).user_id == "bob"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "..", "a.b.c.d", "\u2028", "é.é.é"])
def test_what_is_no_token_is_invalid(token: str) -> None:
    assert problem(token) is TokenProblem.INVALID


def test_clocks_may_be_a_few_seconds_apart() -> None:
    assert verify(signed({"user_id": "bob", "iat": int(time.time()) + 2}), SECRET).user_id == "bob"
