"""Take an agent's report, tell the world what follows from it, and answer what it shall record."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

from isotrack.pipeline.ports import AgentQueues, AgentTable, CallTable, EventBus
from isotrack.pipeline.start import DEFAULT_STORAGE
from isotrack.pipeline.update import update_call
from isotrack.recording.agents import DesiredState, Report
from isotrack.recording.calls import CallRecord
from isotrack.recording.settings import EffectiveRecording, Mode, resolve_recording
from isotrack.recording.sightings import Sighting, seen


class ControlPlane(NamedTuple):
    """What observing needs of the world."""

    calls: CallTable
    agents: AgentTable
    queues: AgentQueues
    bus: EventBus
    default: EffectiveRecording
    """Settings where neither call nor call type has any."""


def observe(agent_id: str, report: Report, *, plane: ControlPlane, now: datetime) -> DesiredState:
    """Bring the records of the calls in a report up to date and publish what happened.

    The same report twice changes nothing the second time.

    Raises:
        Invalid: no queue can be made for an agent of this id.
    """
    url = plane.agents.poke_queue_url(agent_id)
    if url is None:
        url = plane.queues.create(agent_id)
        plane.agents.keep_poke_queue_url(agent_id, url)
    desired = []
    for hosted in report.calls:
        record = _observe_call(Sighting(agent_id, url, hosted, now), plane)
        egress = record.desired(hosted.call_session_id)
        if egress is not None and hosted.ended_at is None:
            desired.append(egress)
    return DesiredState(recordings=tuple(desired), poke_queue_url=url)


def _observe_call(sighting: Sighting, plane: ControlPlane) -> CallRecord:
    call = sighting.hosted.call
    record = update_call(
        call, lambda record: _auto_on(seen(record, sighting), sighting.at, plane), calls=plane.calls
    )
    if not record.outbox:
        return record
    # Kept with the change before they are published, and cleared after: a crash between sends
    # them again with the same ids, never not at all.
    published = {event.event_id for event in record.outbox}
    plane.bus.publish(record.outbox)
    return update_call(
        call,
        lambda record: record.model_copy(
            update={"outbox": tuple(e for e in record.outbox if e.event_id not in published)}
        ),
        calls=plane.calls,
    )


def _auto_on(record: CallRecord, at: datetime, plane: ControlPlane) -> CallRecord:
    session = record.active_session
    if session is None or session.recorded:
        return record
    call_type = plane.calls.call_type_settings(record.call.call_type)
    settings = resolve_recording(record.settings_override, call_type, plane.default)
    if settings.mode is not Mode.AUTO_ON:
        return record
    return record.start(str(uuid4()), at, settings.output_types, DEFAULT_STORAGE)
