"""Change single fields of users."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, NamedTuple

from pydantic import Field, StringConstraints, ValidationError

from isotrack.calls.users import DEFAULT_ROLE, User
from isotrack.contract.fields import Custom, Name
from isotrack.contract.times import Timestamp
from isotrack.contract.users import (
    FullUserResponse,
    Teams,
    Text,
    UpdateUserPartialRequest,
    UpdateUsersPartialRequest,
    UpdateUsersResponse,
)
from isotrack.control.upsert_users import change_user
from isotrack.control.views import full_user_view
from isotrack.control.world import World
from isotrack.recording.errors import Invalid, Missing
from isotrack.recording.tracks import Frozen
from isotrack.recording.validation import problems

_CUSTOM = "custom."
"""May stand before the name of a custom field, and has to where it would be mistaken."""


class _Settable(Frozen):
    name: Text | None = None
    image: Text | None = None
    role: Name = DEFAULT_ROLE
    language: Annotated[str, StringConstraints(max_length=16)] = ""
    invisible: bool = False
    teams: Teams = ()
    teams_role: dict[Name, Name] | None = None
    revoke_tokens_issued_before: Timestamp | None = None
    custom: Custom = Field(default_factory=dict)


_RESERVED = FullUserResponse.model_fields.keys() - _Settable.model_fields.keys()


def update_users_partial(
    request: UpdateUsersPartialRequest, *, world: World, now: datetime
) -> UpdateUsersResponse:
    """The users as they are after it. Nothing is written when any change cannot be made.

    Setting `revoke_tokens_issued_before` makes older tokens of the user worthless; null or unset
    takes it back. Fields that users do not have are custom ones.

    Raises:
        Missing: a user was never made.
        Invalid: a field is wrong, or not for clients to set; the message names it.
    """
    changes = [_Change(number, change) for number, change in enumerate(request.users)]
    known = world.users.get_many(sorted({change.id for change in request.users}))
    for change in changes:
        change.made(known.get(change.asked.id))
    kept = {
        change.asked.id: change_user(change.asked.id, change.made, world=world, now=now)
        for change in changes
    }
    return UpdateUsersResponse(users={name: full_user_view(user) for name, user in kept.items()})


class _Change(NamedTuple):
    number: int
    asked: UpdateUserPartialRequest

    def made(self, user: User | None) -> User:
        """The user after it."""
        if user is None:
            raise Missing(f"there is no user {self.asked.id!r}")
        place = f"users.{self.number}"
        fields = {name: getattr(user, name) for name in _Settable.model_fields}
        _set(fields, dict.fromkeys(self.asked.unset or ()), f"{place}.unset")
        _set(fields, self.asked.set or {}, f"{place}.set")
        try:
            settable = _Settable.model_validate(fields)
        except ValidationError as error:
            found = {f"{place}.set.{field}": text for field, text in problems(error).items()}
            field, problem = next(iter(found.items()))
            raise Invalid(f"{field}: {problem}", found) from error
        return user.model_copy(update=dict(settable))


def _set(fields: dict[str, Any], change: Mapping[str, Any], place: str) -> None:
    """Set fields, those changed to None to what they are of a new user."""
    extra = {}
    for name, value in change.items():
        if name in _RESERVED:
            raise Invalid(f"{place}.{name}: cannot be changed")
        if name in _Settable.model_fields:
            default = _Settable.model_fields[name].get_default(call_default_factory=True)
            fields[name] = default if value is None else value
        else:
            extra[name.removeprefix(_CUSTOM)] = value
    if isinstance(fields["custom"], Mapping):  # else validation says that it is none
        merged = {**fields["custom"], **extra}
        gone = {name for name, value in extra.items() if value is None}
        fields["custom"] = {name: merged[name] for name in merged if name not in gone}
