"""Messages on a WebSocket connection beside the events of calls."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from isotrack.contract.errors import APIError
from isotrack.contract.fields import Custom
from isotrack.contract.times import Timestamp
from isotrack.contract.users import OwnUserResponse, Text
from isotrack.recording.tracks import Frozen, UserId


class ConnectUserDetailsRequest(Frozen):
    """Who connects, as they describe themselves; the token says whether they are."""

    id: UserId
    name: Text | None = None
    image: Text | None = None
    language: Annotated[str, StringConstraints(max_length=16)] | None = None
    invisible: bool | None = None
    custom: Custom | None = None


class WSAuthMessage(Frozen):
    """The first message of a client."""

    token: Annotated[str, StringConstraints(max_length=8192)]
    user_details: ConnectUserDetailsRequest
    products: Annotated[tuple[Text, ...], Field(max_length=16)] | None = None


class ConnectedEvent(Frozen):
    """The connection stands; requests that name it watch calls for it."""

    type: Literal["connection.ok"] = "connection.ok"
    connection_id: str
    created_at: Timestamp
    me: OwnUserResponse


class ConnectionErrorEvent(Frozen):
    """The connection is refused, and closed after this."""

    type: Literal["connection.error"] = "connection.error"
    connection_id: str
    created_at: Timestamp
    error: APIError


class HealthCheckEvent(Frozen):
    """The connection is alive: the answer to the same message of the client."""

    type: Literal["health.check"] = "health.check"
    connection_id: str
    created_at: Timestamp
    custom: dict[str, Any] = Field(default_factory=dict)
