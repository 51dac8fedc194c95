"""Send an event to the connections that watch its call."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto

from pydantic import ValidationError

from isotrack.calls.connections import Connection
from isotrack.control.audience import Audience
from isotrack.control.listeners import listeners
from isotrack.control.ports import Connections, Gone, PushQueue
from isotrack.recording.errors import CorruptInput, Transient
from isotrack.recording.tracks import Call, Frozen
from isotrack.recording.validation import first_problem, stored

MESSAGE_LIMIT = 128 * 1024
"""Bytes of a message that API Gateway sends; it cuts longer ones than 32 KiB into frames."""
SENDERS = 16
"""Messages on their way at once."""


class _Event(Frozen):
    type: str
    call_cid: str
    event_id: str


class _Sending(Enum):
    SENT = auto()
    GONE = auto()
    FAILED = auto()


def push(
    event: str,
    *,
    to: Collection[str] | None = None,
    audience: Audience,
    connections: Connections,
    queue: PushQueue,
) -> int:
    """Send an event, as it is, to those who watch its call and may read it now.

    Where only some could be reached, the others are put in the queue again, and they alone: it is
    sent twice to nobody but those to whom it was on its way when this function died.

    Args:
        event: JSON.
        to: ids of connections that it has not reached yet; None at the first attempt.
        audience: who watches, and who may.
        connections: where to send.
        queue: where events for some connections come from again.

    Returns:
        How many it reached.

    Raises:
        CorruptInput: it is no event, or larger than a WebSocket message of API Gateway can be.
        Transient: it reached nobody, of those who watch; or the queue or a table is busy.
    """
    about = stored(_Event, event, "an event to be pushed")
    named, size = f"{about.type} {about.event_id}", len(event.encode())
    if size > MESSAGE_LIMIT:
        raise CorruptInput(f"{named} has {size} bytes: a WebSocket message has {MESSAGE_LIMIT}")
    heard = listeners(_call(about), audience=audience)
    for stale in heard.revoked:
        connections.close(stale.connection_id)
        audience.connections.close(stale.connection_id)
    waiting = [each for each in heard.allowed if to is None or each.connection_id in to]
    if not waiting:
        return 0
    with ThreadPoolExecutor(min(SENDERS, len(waiting))) as senders:
        sent = list(senders.map(lambda one: _send(event, one, audience, connections), waiting))
    failed = [
        each.connection_id
        for each, sending in zip(waiting, sent, strict=True)
        if sending is _Sending.FAILED
    ]
    reached = sent.count(_Sending.SENT)
    if failed and not reached:
        raise Transient(f"{named} reached none of {len(failed)} connections")
    if failed:
        queue.put(event, failed)
    return reached


def _call(about: _Event) -> Call:
    call_type, _, call_id = about.call_cid.partition(":")  # a type has no colon
    try:
        return Call(call_type=call_type, call_id=call_id)
    except ValidationError as error:
        raise CorruptInput(f"{about.type} {about.event_id}: {first_problem(error)}") from error


def _send(
    event: str, connection: Connection, audience: Audience, connections: Connections
) -> _Sending:
    try:
        connections.send(connection.connection_id, event)
    except Gone:
        audience.connections.close(connection.connection_id)
        return _Sending.GONE
    except Transient:
        return _Sending.FAILED
    return _Sending.SENT
