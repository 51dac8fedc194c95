"""What a control plane is told, and what it need not be told again."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from capture_agent.entries import Reported
from capture_agent.state import CallState, Egress, State
from isotrack.recording.agents import EgressState, HostedCall, ObservedEgress, Report


def report_of(state: State, stopping: Collection[str]) -> Report:
    """All calls of this agent, and what it records of them.

    Args:
        state: what the agent knows.
        stopping: egress ids that are to stop but may still capture: they are reported running.
    """
    return Report(
        calls=tuple(
            HostedCall(
                call=call.call,
                call_session_id=call.call_session_id,
                started_at=call.started_at,
                ended_at=call.ended_at,
                participants=tuple(
                    session.participant
                    for session in call.sessions.values()
                    if session.left_at is None
                ),
                recordings=tuple(_observed(call, stopping)),
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


def _observed(call: CallState, stopping: Collection[str]) -> Iterator[ObservedEgress]:
    for egress_id, egress in call.egresses.items():
        if not egress.reported:
            state = EgressState.RUNNING if egress_id in stopping else egress.state
            yield ObservedEgress(egress_id=egress_id, state=state)


def _is_settled(call: CallState) -> bool:
    def told(egress: Egress) -> bool:
        return egress.reported

    return call.reported and all(map(told, call.egresses.values()))
