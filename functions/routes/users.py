"""Users: of servers."""

from __future__ import annotations

from pydantic import Json

from functions.asking import Asked
from functions.operations import SERVER_PREFIX, Asking, Operations
from isotrack.contract.users import (
    QueryUsersPayload,
    QueryUsersResponse,
    UpdateUsersPartialRequest,
    UpdateUsersRequest,
    UpdateUsersResponse,
)
from isotrack.control import query_users as finding
from isotrack.control import update_users_partial as changing
from isotrack.control import upsert_users as keeping
from isotrack.recording.tracks import Frozen

users = Operations(SERVER_PREFIX, asking=Asking.SERVERS)


class QueryUsersQuery(Frozen):
    """Which users are wanted."""

    payload: Json[QueryUsersPayload] = QueryUsersPayload()
    """As JSON."""


@users.get("QueryUsers", "/users")
def query_users(asked: Asked, query: QueryUsersQuery) -> QueryUsersResponse:
    """Find users by their ids."""
    return finding.query_users(query.payload, world=asked.world)


@users.post("UpdateUsers", "/users")
def update_users(asked: Asked, body: UpdateUsersRequest) -> UpdateUsersResponse:
    """Make users, or write over what is known of them."""
    return keeping.upsert_users(body, world=asked.world, now=asked.now)


@users.patch("UpdateUsersPartial", "/users")
def update_users_partial(asked: Asked, body: UpdateUsersPartialRequest) -> UpdateUsersResponse:
    """Change single fields of users."""
    return changing.update_users_partial(body, world=asked.world, now=asked.now)
