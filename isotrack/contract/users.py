"""Users: made and changed by servers, shown in calls, connected over WebSocket."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from isotrack.contract.fields import Custom, Limit, Maybe, Name
from isotrack.contract.times import Timed, Timestamp
from isotrack.recording.tracks import Frozen, UserId

MAX_USERS = 100
"""That one request may change."""

Text = Annotated[str, StringConstraints(max_length=2048)]
Teams = Annotated[tuple[Name, ...], Field(max_length=250)]


class UserRequest(Frozen):
    """A user as an application describes them; what is None stays as it was, or is our default."""

    id: UserId
    name: Text | None = None
    image: Text | None = None
    role: Name | None = None
    language: Annotated[str, StringConstraints(max_length=16)] | None = None
    invisible: bool | None = None
    teams: Teams | None = None
    teams_role: Annotated[dict[Name, Name], Field(max_length=250)] | None = None
    custom: Custom | None = None


class UpdateUsersRequest(Frozen):
    """Users to be made or written over, by their ids."""

    users: Annotated[dict[UserId, UserRequest], Field(min_length=1, max_length=MAX_USERS)]


class UpdateUserPartialRequest(Frozen):
    """Fields of one user to be set or removed; `custom` may be named by its own fields."""

    id: UserId
    set: Custom | None = None
    unset: Annotated[tuple[Text, ...], Field(max_length=100)] | None = None


class UpdateUsersPartialRequest(Frozen):
    """Changes of several users."""

    users: Annotated[
        tuple[UpdateUserPartialRequest, ...], Field(min_length=1, max_length=MAX_USERS)
    ]


class SortParamRequest(Frozen):
    """One key of the order that is wanted."""

    field: Text | None = None
    direction: Annotated[int, Field(ge=-1, le=1)] | None = None
    """1 ascending (so is None and 0), -1 descending."""
    type: Text | None = None


class QueryUsersPayload(Frozen):
    """Which users are wanted: those of some ids; `filter_conditions` says which."""

    filter_conditions: dict[str, Any] = Field(default_factory=dict)
    sort: Annotated[tuple[SortParamRequest, ...], Field(max_length=5)] | None = None
    limit: Limit | None = None
    offset: Annotated[int, Field(ge=0, le=1000)] | None = None
    include_deactivated_users: bool | None = None
    presence: bool | None = None


class _User(Frozen):
    """What everybody who may see a user sees."""

    id: str
    role: str
    language: str = ""
    teams: tuple[str, ...] = ()
    blocked_user_ids: tuple[str, ...] = ()
    """Always empty: nobody is blocked here."""
    custom: dict[str, Any] = Field(default_factory=dict)
    created_at: Timestamp
    updated_at: Timestamp
    banned: bool = False
    invisible: bool = False
    online: bool = False
    name: Maybe[str] = None
    image: Maybe[str] = None
    last_active: Maybe[Timestamp] = None
    deactivated_at: Maybe[Timestamp] = None
    deleted_at: Maybe[Timestamp] = None
    revoke_tokens_issued_before: Maybe[Timestamp] = None
    teams_role: Maybe[dict[str, str]] = None


class UserResponse(_User):
    """A user as calls, members and participants show them."""

    shadow_banned: bool = False


class _Unread(_User):
    """A user with what a chat would count; there is none here, so all of it is nothing."""

    total_unread_count: int = 0
    unread_channels: int = 0
    unread_count: int = 0
    unread_threads: int = 0
    channel_mutes: tuple[dict[str, Any], ...] = Field(default=(), max_length=0)
    mutes: tuple[dict[str, Any], ...] = Field(default=(), max_length=0)
    devices: tuple[dict[str, Any], ...] = Field(default=(), max_length=0)


class OwnUserResponse(_Unread):
    """A user as they see themselves, in `connection.ok`."""


class FullUserResponse(_Unread):
    """A user as servers see them."""

    shadow_banned: bool = False


class UpdateUsersResponse(Timed):
    """The users as they are now, by id."""

    users: dict[str, FullUserResponse]
    membership_deletion_task_id: str = ""
    """Always empty: leaving a team removes nobody from anything here."""


class QueryUsersResponse(Timed):
    """The users asked for."""

    users: tuple[FullUserResponse, ...]
