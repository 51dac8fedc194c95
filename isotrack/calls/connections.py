"""WebSocket connections of clients."""

from __future__ import annotations

from pydantic import AwareDatetime

from isotrack.calls.permissions import Caller
from isotrack.recording.tracks import Frozen, UserId


class Connection(Frozen):
    """An open connection, and whose it is."""

    connection_id: str
    user_id: UserId | None = None
    """None until it has sent a token that was good."""
    role: str | None = None
    """Of the token, as `Caller` has it; so are the next two."""
    call_cids: tuple[str, ...] = ()
    token_issued_at: AwareDatetime | None = None
    opened_at: AwareDatetime
    expires_at: AwareDatetime
    """When it is forgotten, though nobody heard that it was closed."""

    @property
    def authenticated(self) -> bool:
        """Whether it is known whose it is: only then it may watch calls."""
        return self.user_id is not None

    @property
    def caller(self) -> Caller:
        """Whose it is, as their token said: what they may see is asked again at every event."""
        return Caller(
            user_id=self.user_id,
            role=self.role,
            call_cids=self.call_cids,
            issued_at=self.token_issued_at,
        )
