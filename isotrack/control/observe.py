"""Take an agent's report, tell the world what follows from it, and answer what it shall record.

In this order: the record of each call with what is to be told of it, in one conditional write;
then what is told, and whether recordings that stopped are complete; then the outbox is emptied. An
agent whose report was not answered says the same again, and what is told again has the same ids.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

from isotrack.calls.call_types import BUILT_IN
from isotrack.calls.notices import RecordingFailed, RecordingStopped
from isotrack.calls.records import CallRecord
from isotrack.calls.sessions import CallSession
from isotrack.calls.settings import resolve_settings
from isotrack.calls.sightings import Sighting, seen
from isotrack.contract.recording_settings import IndividualRecordingSettingsResponse
from isotrack.control.archive import Archive
from isotrack.control.call_types import OURS
from isotrack.control.complete import complete
from isotrack.control.publish import publish
from isotrack.control.update import update_call
from isotrack.control.world import World
from isotrack.recording.agents import DesiredState, EgressState, HostedCall, Report
from isotrack.recording.settings import Mode

JUST_JOINED = timedelta(seconds=60)
"""Agents keep what comes before they are told to record for no longer (`Settings`, there)."""


def observe(
    agent_id: str, report: Report, *, world: World, archive: Archive, now: datetime
) -> DesiredState:
    """Bring the records of the calls in a report up to date and publish what happened.

    The same report twice changes nothing the second time.

    Raises:
        Invalid: no queue can be made for an agent of this id.
        Transient: a table, a store or the bus is busy; the report has to come again.
    """
    url = world.agents.poke_queue_url(agent_id)
    if url is None:
        url = world.queues.create(agent_id)
        world.agents.keep_poke_queue_url(agent_id, url)
    desired = []
    for hosted in report.calls:
        record = _observe_call(Sighting(agent_id, url, hosted, now), world, archive)
        egress = record.desired(hosted.call_session_id)
        if egress is not None and hosted.ended_at is None:
            desired.append(egress)
    return DesiredState(recordings=tuple(desired), poke_queue_url=url)


def _observe_call(sighting: Sighting, world: World, archive: Archive) -> CallRecord:
    hosted = sighting.hosted
    record = update_call(
        hosted.call,
        lambda record: _auto_on(seen(record, sighting), sighting.at, world),
        calls=world.calls,
    )
    _keep_late(hosted, record, archive)
    for notice in record.outbox:
        if isinstance(notice, RecordingFailed):
            archive.outcomes.keep(notice.failure, notice.at)
    for egress_id in _stopped(record, hosted):
        complete(hosted.call, egress_id, archive=archive, holder=f"agent {sighting.agent_id}")
    return publish(record, world=world)


def _auto_on(record: CallRecord, at: datetime, world: World) -> CallRecord:
    """The record with a recording started, if somebody is there and nothing was started yet."""
    session = record.active_session
    if session is None or session.recorded or not session.participants:
        return record
    settings = _settings(record, world)
    if settings.mode is not Mode.AUTO_ON:
        return record
    zero = _zero(session, at)
    return record.start(str(uuid4()), zero, settings.output_types, OURS)


def _settings(record: CallRecord, world: World) -> IndividualRecordingSettingsResponse:
    name = record.call.call_type
    call_type = world.call_types.get(name) or BUILT_IN.get(name)
    of_type = None if call_type is None else call_type.settings
    return resolve_settings(record.settings_override, of_type, world.default).individual_recording


def _zero(session: CallSession, at: datetime) -> datetime:
    """Start of the timeline: when the first one joined, since agents have kept their packets.

    Who was there for long was not recorded, so that a timeline of theirs begins now.
    """
    joined_at = min(participant.joined_at for participant in session.participants)
    return joined_at if at - joined_at < JUST_JOINED else at


def _keep_late(hosted: HostedCall, record: CallRecord, archive: Archive) -> None:
    """Note what an agent has sealed of recordings that nobody waits for any more."""
    awaited = {egress.egress_id for egress in record.egresses}
    for recording in hosted.recordings:
        if recording.egress_id in awaited or not recording.sealed:
            continue
        egress = archive.calls.stopped(hosted.call, recording.egress_id)
        if egress is not None and recording.sealed.keys() - egress.sealed.keys():
            sealed = {**recording.sealed, **egress.sealed}
            archive.calls.keep_stopped(hosted.call, egress.model_copy(update={"sealed": sealed}))


def _stopped(record: CallRecord, hosted: HostedCall) -> list[str]:
    """Recordings that may be complete: those that just stopped, and those said to have stopped.

    The latter so that a report which comes again does what was left undone the first time.
    """
    ids = [r.egress_id for r in hosted.recordings if r.state is EgressState.STOPPED]
    for notice in record.outbox:
        match notice:
            case RecordingStopped():
                ids.append(notice.egress_id)
            case RecordingFailed():
                ids.append(notice.failure.egress_id)
    return list(dict.fromkeys(ids))
