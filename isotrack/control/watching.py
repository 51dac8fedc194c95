"""Watch calls over a WebSocket connection: its user is told their events from then on."""

from __future__ import annotations

from isotrack.calls.connections import Connection
from isotrack.calls.permissions import Caller
from isotrack.control.authorize import Authorized
from isotrack.control.world import World
from isotrack.recording.errors import Rejected


class NotConnected(Rejected):
    """The request names a connection that is closed, or that is not the caller's."""


def connection_of(caller: Caller, connection_id: str | None, *, world: World) -> Connection | None:
    """The connection that a request names; None when it names none.

    Raises:
        NotConnected: there is no such connection, or it is somebody else's: both are said in the
            same words, so that nobody learns which connections there are.
    """
    if not connection_id:
        return None
    connection = world.connections.get(connection_id)
    if connection is None or caller.user_id is None or connection.user_id != caller.user_id:
        raise NotConnected(f"connection_id: {caller.name} has no connection {connection_id!r}")
    return connection


def watched(seen: Authorized, connection: Connection | None, *, world: World) -> Authorized:
    """The call, watched by the connection, if there is one, and read again after that.

    What happens to the call from here on is told; what happened before is in the record read.
    """
    if connection is None:
        return seen
    call = seen.record.call
    world.connections.watch(connection, [call])
    return seen._replace(record=world.calls.get(call) or seen.record)
