"""Keep events small enough for whatever carries them."""

from __future__ import annotations

from typing import Any

from isotrack.contract.calls import CallResponse
from isotrack.contract.events import Event

MAX_BYTES = 100_000
"""Of an event as JSON. API Gateway sends WebSocket messages of 128 KB, EventBridge and SQS carry
256 KB with all that they add."""


def fitted(event: Event) -> Event:
    """The event, with fewer participants and members of a large call if it would be too large.

    Half of them are left out until it fits, first participants, then members: those who want all
    of them ask for the call. The counts of participants by role stay whole.
    """
    while len(event.model_dump_json()) > MAX_BYTES:
        changes = _fewer_participants(event) or _fewer_members(event)
        if not changes:
            return event
        event = event.model_copy(update=changes)
    return event


def _fewer_participants(event: Event) -> dict[str, Any]:
    call: CallResponse | None = getattr(event, "call", None)
    if call is None or call.session is None or not call.session.participants:
        return {}
    there = call.session.participants
    session = call.session.model_copy(update={"participants": there[: len(there) // 2]})
    return {"call": call.model_copy(update={"session": session})}


def _fewer_members(event: Event) -> dict[str, Any]:
    members: tuple[object, ...] = getattr(event, "members", ())
    return {"members": members[: len(members) // 2]} if members else {}
