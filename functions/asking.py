"""Who asks: the API key, the token, and whether the token still counts."""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import NamedTuple

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from functions.operations import Asking
from functions.runtime import ApiSecret
from isotrack.adapters.tokens import TokenProblem, Unauthenticated, verify
from isotrack.calls.permissions import Caller
from isotrack.control.audience import Registry
from isotrack.control.world import World
from isotrack.recording.errors import Forbidden

ANONYMOUS = "anonymous"


class Asked(NamedTuple):
    """An operation that somebody asked for."""

    caller: Caller
    world: World
    now: datetime


def asked(
    event: APIGatewayProxyEventV2, asking: Asking, *, secret: ApiSecret, world: World, now: datetime
) -> Asked:
    """Find out who sent a request, and whether such a one may ask for this at all.

    Raises:
        Unauthenticated: nobody knows who sent it.
        Forbidden: it takes a server's or an agent's token.
    """
    query = event.query_string_parameters
    if asking is not Asking.AGENTS:
        _check_api_key(query.get("api_key", ""), secret)
    if event.headers.get("stream-auth-type", "jwt").strip().lower() == ANONYMOUS:
        raise Unauthenticated(
            TokenProblem.INVALID,
            "anonymous users are not let in: send a token, and stream-auth-type jwt",
        )
    token = event.headers.get("authorization", "").strip().removeprefix("Bearer ").strip()
    caller = identify(token, secret=secret, world=world)
    if caller.user_id is not None and query.get("user_id", caller.user_id) != caller.user_id:
        raise Unauthenticated(
            TokenProblem.INVALID, "user_id in the query is not the user of the token"
        )
    _check_kind(caller, asking)
    return Asked(caller, world, now)


def identify(token: str, *, secret: ApiSecret, world: Registry) -> Caller:
    """Who holds a token that still counts. Raises Unauthenticated."""
    if not token:
        raise Unauthenticated(TokenProblem.INVALID, "the token is missing")
    caller = verify(token, secret.api_secret)
    if caller.user_id is not None:
        user = world.users.get(caller.user_id)
        of_user = user.revoke_tokens_issued_before if user is not None else None
        for moment in (world.app.revoke_tokens_issued_before(), of_user):
            if caller.revoked(moment):
                raise Unauthenticated(TokenProblem.EXPIRED, "the token was revoked")
    return caller


def _check_api_key(api_key: str, secret: ApiSecret) -> None:
    if not hmac.compare_digest(api_key.encode(), secret.api_key.encode()):
        problem = "is not known" if api_key else "is missing in the query"
        raise Unauthenticated(TokenProblem.ACCESS_KEY, f"api_key {problem}")


def _check_kind(caller: Caller, asking: Asking) -> None:
    refused = {
        Asking.CLIENTS: (caller.agent_id is not None, "a user's or a server's"),
        Asking.SERVERS: (not caller.server, "a server's"),
        Asking.AGENTS: (caller.user_id is not None, "an agent's"),
    }
    wrong, needed = refused[asking]
    if wrong:
        raise Forbidden(f"{caller.name} may not do this: it takes {needed} token")
