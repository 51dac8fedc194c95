"""Start the individual recording of a call.

What is started is one conditional write of the call's record: before it nothing is, after it
agents are told to record with whatever they report next. Waking them is a hint that may get lost,
and `call.recording_started` is told by the report of the first agent that records. So a request
that fails half-way has started a recording or has not, and there is nothing to clean up; one that
is sent again because its answer was lost hears that the recording runs.
"""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from isotrack.calls.grants import Permission
from isotrack.calls.permissions import Caller
from isotrack.calls.records import CallRecord
from isotrack.calls.settings import resolve_settings
from isotrack.contract.recordings import StartRecordingRequest, StartRecordingResponse
from isotrack.control.authorize import authorize
from isotrack.control.call_types import OURS
from isotrack.control.update import update_call
from isotrack.control.world import World
from isotrack.recording.errors import Invalid
from isotrack.recording.settings import Mode
from isotrack.recording.tracks import Call


def start(
    call: Call, request: StartRecordingRequest, *, caller: Caller, world: World, now: datetime
) -> StartRecordingResponse:
    """Ask for a call to be recorded, as its settings say now, and wake the agents that host it.

    Args:
        call: which call.
        request: where the files go.
        caller: who asks.
        world: its table of calls decides between two starts at once.
        now: start of the recording's timeline.

    Raises:
        Missing: nobody created the call.
        Forbidden: the caller may not start recordings.
        Invalid: recording is disabled, the storage is unknown, or nobody is in the call.
        Conflict: the call is being recorded already.
    """
    call_type = authorize(caller, call, Permission.START_RECORDING, world=world).call_type
    storage = request.recording_external_storage
    if storage not in (None, OURS):
        raise Invalid(f"recording_external_storage: there is no storage named {storage!r}")
    egress_id = str(uuid4())

    def change(record: CallRecord) -> CallRecord:
        settings = resolve_settings(record.settings_override, call_type.settings, world.default)
        recording = settings.individual_recording
        if recording.mode is Mode.DISABLED:
            raise Invalid(f"individual recording is disabled in the settings of call {call.cid}")
        return record.start(egress_id, now, recording.output_types, OURS)

    for url in update_call(call, change, calls=world.calls).poke_queue_urls:
        world.queues.poke(url)
    return StartRecordingResponse(egress_id=egress_id)
