"""Users: those whom applications let into calls."""

from __future__ import annotations

from pydantic import AwareDatetime, Field, JsonValue

from isotrack.recording.tracks import Frozen, UserId

DEFAULT_ROLE = "user"
"""Of who was given no other."""


class User(Frozen):
    """A user as an application's server made them, or as they introduced themselves."""

    user_id: UserId
    version: int = 0
    """Counts the writes; 0 was never written."""
    role: str = DEFAULT_ROLE
    """In all calls; a call's members may have another one there."""
    name: str | None = None
    image: str | None = None
    language: str = ""
    invisible: bool = False
    teams: tuple[str, ...] = ()
    teams_role: dict[str, str] | None = None
    custom: dict[str, JsonValue] = Field(default_factory=dict)
    created_at: AwareDatetime
    updated_at: AwareDatetime
    revoke_tokens_issued_before: AwareDatetime | None = None
    """Tokens of this user from before are worth nothing."""
