"""Members: users who belong to a call."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from isotrack.contract.fields import Custom, Limit, Maybe, Name, PageToken
from isotrack.contract.times import Timed, Timestamp
from isotrack.contract.users import SortParamRequest, UserResponse
from isotrack.recording.tracks import Frozen, Id, UserId

MAX_MEMBERS = 100
"""That one request may add, change or remove."""


class MemberRequest(Frozen):
    """A user to be a member; one who is already is written over."""

    user_id: UserId
    role: Name | None = None
    custom: Custom | None = None


Members = Annotated[tuple[MemberRequest, ...], Field(max_length=MAX_MEMBERS)]


class MemberResponse(Frozen):
    """A member of a call."""

    user_id: str
    user: UserResponse
    role: Maybe[str] = None
    """Left out for a member without a role of their own, who is a `call_member`."""
    custom: dict[str, Any] = Field(default_factory=dict)
    created_at: Timestamp
    updated_at: Timestamp
    deleted_at: Maybe[Timestamp] = None


class UpdateCallMembersRequest(Frozen):
    """Members to add or write over, and users who shall be members no more."""

    update_members: Members | None = None
    remove_members: Annotated[tuple[UserId, ...], Field(max_length=MAX_MEMBERS)] | None = None


class UpdateCallMembersResponse(Timed):
    """The members that were added or changed."""

    members: tuple[MemberResponse, ...]


class QueryCallMembersRequest(Frozen):
    """Which members of which call are wanted."""

    type: Id
    id: Id
    filter_conditions: dict[str, Any] | None = None
    sort: Annotated[tuple[SortParamRequest, ...], Field(max_length=5)] | None = None
    limit: Limit | None = None
    next: PageToken | None = None
    prev: PageToken | None = None


class QueryCallMembersResponse(Timed):
    """Some members of a call, by user id."""

    members: tuple[MemberResponse, ...]
    next: Maybe[str] = None
    prev: Maybe[str] = None
