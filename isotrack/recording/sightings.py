"""What an agent's report changes in the record of a call: its session, its recordings, events.

Reports may be lost, repeated or late, and a call may be hosted by several agents: a session is
over when the last of its hosts says so, a recording runs when the first agent records it, and has
stopped when the last one does not any more. A session that is over never begins again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from isotrack.recording import events
from isotrack.recording.agents import EgressState, HostedCall
from isotrack.recording.calls import CallRecord, CallSession, Egress, EgressStatus, Host
from isotrack.recording.events import Event
from isotrack.recording.outcomes import FailureReason, RecordingFailure
from isotrack.recording.tracks import Call


class Sighting(NamedTuple):
    """A call in an agent's report."""

    agent_id: str
    poke_queue_url: str | None
    hosted: HostedCall
    at: datetime


def seen(record: CallRecord, sighting: Sighting) -> CallRecord:
    """The record after a report; its outbox has the events that follow from it."""
    session = _seen_session(record.session, sighting)
    egresses, told = [], list(record.outbox)
    for egress in record.egresses:
        after = _seen_egress(egress, session, sighting)
        egresses.append(after)
        told.extend(_events(record.call, egress, after, sighting.at))
    return record.model_copy(
        update={"session": session, "egresses": tuple(egresses), "outbox": tuple(told)}
    )


def _seen_session(session: CallSession | None, sighting: Sighting) -> CallSession:
    hosted = sighting.hosted
    if session is None or _supersedes(hosted, session):
        session = CallSession(call_session_id=hosted.call_session_id, started_at=hosted.started_at)
    if session.call_session_id != hosted.call_session_id or session.ended_at is not None:
        return session  # a late word about a session that is over
    hosts = {agent: host for agent, host in session.hosts.items() if agent != sighting.agent_id}
    if hosted.ended_at is None:
        hosts[sighting.agent_id] = Host(
            poke_queue_url=sighting.poke_queue_url, participants=hosted.participants
        )
    ended_at = None if hosts else hosted.ended_at
    return session.model_copy(update={"hosts": hosts, "ended_at": ended_at})


def _supersedes(hosted: HostedCall, session: CallSession) -> bool:
    if hosted.call_session_id == session.call_session_id:
        return False
    if session.ended_at is not None:
        return hosted.started_at >= session.started_at
    return hosted.started_at > session.started_at


def _seen_egress(egress: Egress, session: CallSession, sighting: Sighting) -> Egress:
    if egress.call_session_id == sighting.hosted.call_session_id:
        egress = _observed(egress, sighting)
    over = session.call_session_id != egress.call_session_id or session.ended_at is not None
    if over and egress.status is not EgressStatus.STOPPED:
        ended_at = egress.ended_at or sighting.hosted.ended_at or sighting.at
        return egress.model_copy(
            update={"status": EgressStatus.STOPPED, "agents": (), "ended_at": ended_at}
        )
    return egress


def _observed(egress: Egress, sighting: Sighting) -> Egress:
    states = {seen.egress_id: seen.state for seen in sighting.hosted.recordings}
    state = states.get(egress.egress_id)
    agents = set(egress.agents) - {sighting.agent_id}
    if state is EgressState.RUNNING:
        agents.add(sighting.agent_id)
    status = egress.status
    if state is not None and status is EgressStatus.STARTING:
        status = EgressStatus.RUNNING
    # An agent that says nothing of a recording has not begun, or forgot it when it was restarted:
    # it will be told to record. Only its word, or a stop asked for, ends a recording.
    if not agents and (state is EgressState.STOPPED or status is EgressStatus.STOPPING):
        status = EgressStatus.STOPPED
    return egress.model_copy(
        update={
            "status": status,
            "agents": tuple(sorted(agents)),
            "observed_at": egress.observed_at or (sighting.at if state is not None else None),
            "ended_at": egress.ended_at
            or (sighting.at if status is EgressStatus.STOPPED else None),
        }
    )


def _events(call: Call, before: Egress, after: Egress, at: datetime) -> Iterator[Event]:
    if before.observed_at is None and after.observed_at is not None:
        yield events.recording_started(call.cid, after.egress_id, at)
    if after.status is not EgressStatus.STOPPED:
        return
    if after.observed_at is None and before.active:
        yield events.recording_failed(_never_recorded(call, after), at)
    else:
        yield events.recording_stopped(call.cid, after.egress_id, at)


def _never_recorded(call: Call, egress: Egress) -> RecordingFailure:
    return RecordingFailure(
        call=call,
        egress_id=egress.egress_id,
        reason=FailureReason(
            code="NeverRecorded",
            message="the call ended before any agent had begun to record it",
            retryable=False,
        ),
    )
