"""Stop the individual recording of a call.

As with a start, one conditional write of the call's record does it: agents stop with their next
report, and the one that stops last makes the control plane tell `call.recording_stopped`.
"""

from __future__ import annotations

from datetime import datetime

from isotrack.calls.grants import Permission
from isotrack.calls.permissions import Caller
from isotrack.contract.recordings import StopRecordingResponse
from isotrack.control.authorize import authorize
from isotrack.control.update import update_call
from isotrack.control.world import World
from isotrack.recording.tracks import Call


def stop(call: Call, *, caller: Caller, world: World, now: datetime) -> StopRecordingResponse:
    """Ask for a call to be recorded no more, and wake the agents that host it.

    Raises:
        Missing: nobody created the call.
        Forbidden: the caller may not stop recordings.
        Conflict: the call is not being recorded.
    """
    authorize(caller, call, Permission.STOP_RECORDING, world=world)
    record = update_call(call, lambda record: record.stop(now), calls=world.calls)
    for url in record.poke_queue_urls:
        world.queues.poke(url)
    return StopRecordingResponse()
