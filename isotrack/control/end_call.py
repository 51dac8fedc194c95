"""End a call for everybody."""

from __future__ import annotations

from datetime import datetime

from isotrack.calls.grants import Permission
from isotrack.calls.permissions import Caller
from isotrack.contract.calls import EndCallResponse
from isotrack.control.authorize import authorize
from isotrack.control.publish import publish
from isotrack.control.update import update_call
from isotrack.control.world import World
from isotrack.recording.tracks import Call


def end_call(call: Call, *, caller: Caller, world: World, now: datetime) -> EndCallResponse:
    """End a call: its session is over, its recording stops, and all who watch it are told.

    A call that has ended stays as it is. Who is in the call is told to leave; that they do is for
    their clients and the SFU to see to.

    Raises:
        Missing: nobody created the call.
        Forbidden: the caller may not end it.
    """
    authorize(caller, call, Permission.END_CALL, world=world)
    record = update_call(
        call, lambda record: record.end(now, user_id=caller.user_id), calls=world.calls
    )
    for url in record.poke_queue_urls:
        world.queues.poke(url)
    publish(record, world=world)
    return EndCallResponse()
