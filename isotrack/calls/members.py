"""Members: users who belong to a call, whether they are in it or not."""

from __future__ import annotations

from pydantic import AwareDatetime, Field, JsonValue

from isotrack.recording.tracks import Frozen, UserId

CALL_MEMBER = "call_member"
"""The role of a member who was given no other."""


class Member(Frozen):
    """A member of one call."""

    user_id: UserId
    role: str | None = None
    """In this call; None is `CALL_MEMBER`."""
    custom: dict[str, JsonValue] = Field(default_factory=dict)
    created_at: AwareDatetime
    updated_at: AwareDatetime

    @property
    def call_role(self) -> str:
        """The role that grants know."""
        return self.role or CALL_MEMBER
