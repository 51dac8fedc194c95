"""What an agent's report changes in the record of a call: its session, its recordings, notices.

Reports may be lost, repeated or late, and a call may be hosted by several agents: a session is
over when the last of its hosts says so, a recording runs when the first agent records it, and has
stopped when the last one does not any more. Who moves from one agent to another with the same
participant session has never left. A session that is over never begins again.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from isotrack.calls import notices
from isotrack.calls.egresses import Egress, EgressStatus
from isotrack.calls.records import CallRecord
from isotrack.calls.sessions import MOVE_GRACE, CallSession, Host
from isotrack.recording.agents import EgressState, HostedCall, ObservedEgress


class Sighting(NamedTuple):
    """A call in an agent's report."""

    agent_id: str
    poke_queue_url: str | None
    hosted: HostedCall
    at: datetime


def seen(record: CallRecord, sighting: Sighting) -> CallRecord:
    """The record after a report; its outbox has the notices that follow from it."""
    # Recordings first: what was recorded to the end of a session is heard of together with it.
    record = _see_egresses(record, sighting)
    hosted = sighting.hosted
    if _begins(record, hosted):
        record = record.begin_session(hosted.call_session_id, hosted.started_at, sighting.at)
    return _see_session(record, sighting)


def _begins(record: CallRecord, hosted: HostedCall) -> bool:
    if record.ended_at is not None and hosted.started_at <= record.ended_at:
        return False  # ended for everybody, though its SFU does not know yet
    session = record.session
    if session is None:
        return True
    if hosted.call_session_id == session.call_session_id:
        return False
    if session.ended_at is not None:
        return hosted.started_at >= session.started_at
    return hosted.started_at > session.started_at


def _see_session(record: CallRecord, sighting: Sighting) -> CallRecord:
    hosted, before = sighting.hosted, record.active_session
    if before is None or before.call_session_id != hosted.call_session_id:
        return record  # a late word about a session that is over
    session = before.hosted_by(sighting.agent_id, _host(sighting))
    # An agent that said before that it hosts no more says so again, with the same participants.
    news = hosted.ended_at is None or not before.hosts or sighting.agent_id in before.hosts
    session = session.seen(hosted.participants if news else (), _until(sighting))
    record = record.noting(*_joined(record, before, session, sighting.at), session=session)
    if not session.hosts:
        return record.end_session(_until(sighting))
    gone = [
        stay
        for stay in session.participants
        if stay.left_at is not None and sighting.at - stay.left_at >= MOVE_GRACE
    ]
    return record.leave(gone, sighting.at)


def _until(sighting: Sighting) -> datetime:
    """When what the agent hosts no more was over: not later than it said so."""
    return min(sighting.hosted.ended_at or sighting.at, sighting.at)


def _host(sighting: Sighting) -> Host | None:
    if sighting.hosted.ended_at is not None:
        return None
    ids = tuple(stay.user_session_id for stay in sighting.hosted.participants)
    return Host(poke_queue_url=sighting.poke_queue_url, user_session_ids=ids)


def _joined(
    record: CallRecord, before: CallSession, after: CallSession, at: datetime
) -> list[notices.Notice]:
    known = {stay.user_session_id for stay in before.participants}
    return [
        notices.ParticipantJoined(
            call=record.call, at=at, call_session_id=after.call_session_id, participant=stay
        )
        for stay in after.participants
        if stay.user_session_id not in known
    ]


def _see_egresses(record: CallRecord, sighting: Sighting) -> CallRecord:
    return record.record_egresses(
        [
            egress if egress.status is EgressStatus.STOPPED else _observed(egress, sighting)
            for egress in record.egresses
        ],
        sighting.at,
    )


def _observed(egress: Egress, sighting: Sighting) -> Egress:
    hosted = sighting.hosted
    if egress.call_session_id != hosted.call_session_id:
        return egress.awaiting((), sighting.at)
    seen = next((r for r in hosted.recordings if r.egress_id == egress.egress_id), None)
    running = seen is not None and seen.state is EgressState.RUNNING
    agents = set(egress.agents) - {sighting.agent_id}
    if running:
        agents.add(sighting.agent_id)
    status = egress.status
    if seen is not None and status is EgressStatus.STARTING:
        status = EgressStatus.RUNNING
    # An agent that says nothing of a recording has not begun, or forgot it when it was restarted:
    # it will be told to record. Only its word, or a stop asked for, ends a recording.
    if not agents and (seen is not None or status is EgressStatus.STOPPING):
        status = EgressStatus.STOPPED
    observed = egress.model_copy(
        update={
            "status": status,
            "agents": tuple(sorted(agents)),
            "observed_at": egress.observed_at or (sighting.at if seen is not None else None),
            "ended_at": egress.ended_at
            or (_until(sighting) if status is EgressStatus.STOPPED else None),
            "sealed": _sealed(egress, seen),
        }
    )
    return observed.awaiting((sighting.agent_id,) if running else (), sighting.at)


def _sealed(egress: Egress, seen: ObservedEgress | None) -> dict[str, int]:
    if seen is None:
        return egress.sealed
    newer = {
        session: revision
        for session, revision in seen.sealed.items()
        if revision > egress.sealed.get(session, 0)
    }
    return {**egress.sealed, **newer}
