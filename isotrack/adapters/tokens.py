"""Tokens: JSON Web Tokens (RFC 7519) signed with the API secret by HS256."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import IntEnum
from typing import Annotated

import jwt
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, ValidationError

from isotrack.calls.permissions import Caller
from isotrack.recording.tracks import UserId
from isotrack.recording.validation import first_problem

ALGORITHM = "HS256"
LEEWAY_SECONDS = 5
"""How far the clocks of those who sign and of those who check may be apart."""


class TokenProblem(IntEnum):
    """Why a request is not authenticated, by the code of the API's error envelope."""

    ACCESS_KEY = 2
    INVALID = 5
    EXPIRED = 40
    NOT_YET_VALID = 41
    USED_BEFORE_ISSUED = 42
    BAD_SIGNATURE = 43


class Unauthenticated(Exception):
    """Nobody knows who sent the request."""

    def __init__(self, problem: TokenProblem, message: str) -> None:
        super().__init__(message)
        self.problem = problem


_JWS = jwt.PyJWS(algorithms=[ALGORITHM])
"""Checks signatures (RFC 7515). Claims are checked here: PyJWT trips over an infinite `exp`."""

# Seconds since the epoch, no later than a datetime can be (year 9999).
_Moment = Annotated[float, Field(strict=True, ge=0, le=253_402_300_799)]


class _Claims(BaseModel):
    model_config = ConfigDict(extra="ignore")

    server: StrictBool | None = None
    agent_id: StrictStr | None = None
    user_id: UserId | None = None
    role: StrictStr | None = None
    call_cids: tuple[StrictStr, ...] | None = None
    exp: _Moment | None = None
    nbf: _Moment | None = None
    iat: _Moment | None = None


def server_token(api_secret: str) -> str:
    """A token of the operator's own servers: they may do everything."""
    return _sign({"server": True}, api_secret)


def agent_token(api_secret: str, agent_id: str) -> str:
    """A token of one capture agent: it may report for itself."""
    return _sign({"agent_id": agent_id}, api_secret)


def user_token(
    api_secret: str,
    user_id: str,
    *,
    expires_in_seconds: int | None = None,
    call_cids: Sequence[str] = (),
    role: str | None = None,
) -> str:
    """A token of a user, with a role beside `user` in some calls."""
    claims: dict[str, object] = {"user_id": user_id, "iat": int(time.time())}
    if expires_in_seconds is not None:
        claims["exp"] = int(time.time()) + expires_in_seconds
    if call_cids:
        claims["call_cids"] = list(call_cids)
    if role is not None:
        claims["role"] = role
    return _sign(claims, api_secret)


def verify(token: str, api_secret: str) -> Caller:
    """Who holds a token. Raises Unauthenticated, with the code of what is wrong."""
    try:
        claims = _Claims.model_validate_json(_signed(token, api_secret))
    except ValidationError as error:
        raise Unauthenticated(
            TokenProblem.INVALID, f"the token is invalid: claim {first_problem(error)}"
        ) from error
    _check_moments(claims, time.time())
    return _caller(claims)


def _signed(token: str, api_secret: str) -> bytes:
    """What a token's signature vouches for."""
    if not token.isascii():
        raise Unauthenticated(TokenProblem.INVALID, "the token is invalid: it is not ASCII")
    try:
        payload: bytes = _JWS.decode(token, api_secret, algorithms=[ALGORITHM])
    except jwt.InvalidSignatureError as error:
        raise Unauthenticated(
            TokenProblem.BAD_SIGNATURE, "the token is not signed with the API secret"
        ) from error
    except jwt.InvalidTokenError as error:
        raise Unauthenticated(TokenProblem.INVALID, f"the token is invalid: {error}") from error
    return payload


def _check_moments(claims: _Claims, now: float) -> None:
    if claims.exp is not None and claims.exp <= now - LEEWAY_SECONDS:
        raise Unauthenticated(TokenProblem.EXPIRED, "the token has expired")
    if claims.nbf is not None and claims.nbf > now + LEEWAY_SECONDS:
        raise Unauthenticated(TokenProblem.NOT_YET_VALID, "the token is not valid yet (nbf)")
    if claims.iat is not None and claims.iat > now + LEEWAY_SECONDS:
        raise Unauthenticated(TokenProblem.USED_BEFORE_ISSUED, "the token is used before its iat")


def _caller(claims: _Claims) -> Caller:
    if claims.server:
        return Caller(server=True)
    if claims.agent_id is not None:
        return Caller(agent_id=claims.agent_id)
    if claims.user_id is not None:
        return Caller(
            user_id=claims.user_id,
            role=claims.role,
            call_cids=claims.call_cids or (),
            issued_at=None if claims.iat is None else datetime.fromtimestamp(claims.iat, UTC),
        )
    # A token that names nobody is a server's in older server libraries, but only one that claims
    # nothing at all: a user's token that lost its user must not become all-powerful.
    if claims.server is None and claims.role is None and claims.call_cids is None:
        return Caller(server=True)
    raise Unauthenticated(TokenProblem.INVALID, "the token names nobody: claim user_id is missing")


def _sign(claims: dict[str, object], api_secret: str) -> str:
    return jwt.encode(claims, api_secret, algorithm=ALGORITHM)
