"""Let a user in who has connected over WebSocket and shown a good token."""

from __future__ import annotations

from datetime import datetime, timedelta

from isotrack.calls.connections import Connection
from isotrack.calls.permissions import Caller
from isotrack.calls.users import User
from isotrack.contract.users import OwnUserResponse
from isotrack.contract.websocket import ConnectedEvent, ConnectUserDetailsRequest
from isotrack.control.audience import Audience
from isotrack.control.upsert_users import change_user
from isotrack.control.views import user_view

LIFETIME = timedelta(hours=2, minutes=5)
"""API Gateway closes every connection after two hours. Nothing that a client says makes it longer,
so that a health check needs no write."""
_OWN = ("name", "image", "language", "invisible", "custom")
"""What users may say of themselves; their role and teams are for servers to give."""


def connect(
    caller: Caller,
    details: ConnectUserDetailsRequest,
    *,
    connection_id: str,
    opened_at: datetime,
    audience: Audience,
    now: datetime,
) -> ConnectedEvent:
    """Keep the connection as the caller's, and what they say of themselves.

    Args:
        caller: a user, as their token says; `details.id` is theirs.
        details: what they leave out stays as it was.
        connection_id: of the connection.
        opened_at: when it was opened.
        audience: where users and connections are kept.
        now: when they showed the token.

    Returns:
        What they are told, once the connection is kept.

    Raises:
        Transient: a table is busy.
    """
    changes = {field: value for field in _OWN if (value := getattr(details, field)) is not None}

    def change(user: User | None) -> User:
        user = user or User(user_id=details.id, created_at=now, updated_at=now)
        return user.model_copy(update=changes)

    user = change_user(details.id, change, world=audience, now=now)
    audience.connections.open(
        Connection(
            connection_id=connection_id,
            user_id=caller.user_id,
            role=caller.role,
            call_cids=caller.call_cids,
            token_issued_at=caller.issued_at,
            opened_at=opened_at,
            expires_at=opened_at + LIFETIME,
        )
    )
    me = {**dict(user_view(user)), "online": True, "last_active": now}
    return ConnectedEvent(connection_id=connection_id, created_at=now, me=OwnUserResponse(**me))
