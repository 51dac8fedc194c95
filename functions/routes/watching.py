"""What a query says of the connection that a request is for."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from isotrack.contract.calls import GetCallQuery
from isotrack.recording.tracks import Frozen


class Watching(Frozen):
    """The connection that watches the calls of the answer from now on."""

    connection_id: Annotated[str, StringConstraints(max_length=128)] | None = None
    """As `connection.ok` said it; none watches when it is left out."""


class GetCallWatching(GetCallQuery, Watching):
    """What a get says beside the call."""
