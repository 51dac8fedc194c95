"""Start the individual recording of a call."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from isotrack.pipeline.ports import AgentQueues, CallTable
from isotrack.pipeline.update import update_call
from isotrack.recording.calls import CallRecord
from isotrack.recording.errors import Invalid
from isotrack.recording.settings import EffectiveRecording, Mode, resolve_recording
from isotrack.recording.tracks import Call

DEFAULT_STORAGE = "isotrack"


def start(
    call: Call,
    *,
    storage: str | None,
    calls: CallTable,
    agents: AgentQueues,
    default: EffectiveRecording,
    now: datetime,
) -> str:
    """Ask for a call to be recorded, and wake the agents that host it.

    Args:
        call: which call.
        storage: name of the storage the files go to; None for ours.
        calls: where calls are kept; decides between two starts at once.
        agents: the queues of agents.
        default: settings where neither call nor call type has any.
        now: start of the recording's timeline.

    Returns:
        The id of the recording, its `egress_id`.

    Raises:
        Invalid: recording is disabled, the storage is unknown, or nobody is in the call.
        Conflict: the call is being recorded already.
    """
    if storage not in (None, DEFAULT_STORAGE):
        raise Invalid(f"recording_external_storage: there is no storage named {storage!r}")
    call_type = calls.call_type_settings(call.call_type)
    egress_id = str(uuid4())

    def change(record: CallRecord) -> CallRecord:
        settings = resolve_recording(record.settings_override, call_type, default)
        if settings.mode is Mode.DISABLED:
            raise Invalid(f"individual recording is disabled in the settings of call {call.cid}")
        return record.start(egress_id, now, settings.output_types, DEFAULT_STORAGE)

    for url in update_call(call, change, calls=calls).poke_queue_urls:
        agents.poke(url)
    return egress_id
