"""What a control plane is told, and what it need not be told again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from capture_agent.entries import Reported
from capture_agent.state import CallState, Egress, State
from isotrack.recording.agents import EgressState, HostedCall, ObservedEgress, Report
from isotrack.recording.tracks import ParticipantSession

REVISION = 1
"""Of every manifest that an agent writes."""


def report_of(state: State, real: Callable[[datetime], datetime]) -> Report:
    """All calls of this agent, and what it records of them.

    A recording is reported as running until it captures nothing and has all its manifests written,
    which the journal knows: an agent that was killed before goes on saying so.

    Args:
        state: what the agent knows.
        real: the real time of a moment of the agent's clock.
    """
    return Report(
        calls=tuple(
            HostedCall(
                call=call.call,
                call_session_id=call.call_session_id,
                started_at=real(call.started_at),
                ended_at=None if call.ended_at is None else real(call.ended_at),
                participants=tuple(
                    ParticipantSession(
                        user_id=session.participant.user_id,
                        user_session_id=session.participant.user_session_id,
                        joined_at=real(session.participant.joined_at),
                    )
                    for session in call.sessions.values()
                    if session.left_at is None
                ),
                recordings=tuple(_observed(call, state)),
            )
            for call in state.calls
            if not _is_settled(call)
        )
    )


def acknowledged(report: Report) -> Iterator[Reported]:
    """What a report that got through has settled."""
    for hosted in report.calls:
        stopped = tuple(r.egress_id for r in hosted.recordings if r.state is EgressState.STOPPED)
        if stopped or hosted.ended_at:
            yield Reported(
                call=hosted.call,
                call_session_id=hosted.call_session_id,
                stopped=stopped,
                ended=hosted.ended_at is not None,
            )


def _observed(call: CallState, state: State) -> Iterator[ObservedEgress]:
    for egress_id, egress in call.egresses.items():
        if egress.reported:
            continue
        made = [r for r in state.recordings_of(call) if r.egress.egress_id == egress_id]
        sealed = [r for r in made if r.sealed_at is not None]
        over = egress.state is EgressState.STOPPED and len(sealed) == len(made)
        yield ObservedEgress(
            egress_id=egress_id,
            state=EgressState.STOPPED if over else EgressState.RUNNING,
            sealed={r.participant.user_session_id: REVISION for r in sealed},
        )


def _is_settled(call: CallState) -> bool:
    def told(egress: Egress) -> bool:
        return egress.reported

    return call.reported and all(map(told, call.egresses.values()))
