"""The pre-roll: what is published before it is known whether its call is recorded.

The control plane hears of a participant with a report, and its answer says whether to record. What
arrives in between would be lost to a recording that starts with the first participant, so a track
is captured from its announcement on, as a take that no recording has yet. The first answer to a
report with its participant decides: a recording takes it over, or it is let go. Where no answer
comes it is let go after some seconds, so that the spool does not grow with calls nobody records.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Protocol

from capture_agent.entries import HeldLetGo
from capture_agent.journal import Journal
from capture_agent.state import CallState, HeldTake, Ports, SessionState
from isotrack.recording.agents import Report
from isotrack.recording.tracks import Call

_log = logging.getLogger(__name__)

_Stay = tuple[Call, str, str]


class Takes(Protocol):
    """Who says which take belongs to what arrives: `intake.Intake`."""

    def record(self, ports: Ports, take: int) -> None:
        """Say which take belongs to what arrives from now on."""

    def release(self, takes: set[int]) -> None:
        """Record nothing more for these takes."""


class Preroll:
    """Takes that are held until their participants are decided about."""

    def __init__(
        self,
        journal: Journal,
        intake: Takes,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        seconds: float,
    ) -> None:
        """Hold nothing yet.

        Args:
            journal: knows what is held, also after a restart.
            intake: receives the tracks.
            spawn: runs something beside everything else.
            seconds: how long a take is held at most; 0 holds none.
        """
        self._journal = journal
        self._intake = intake
        self._spawn = spawn
        self._seconds = seconds
        self._decided: set[_Stay] = set()

    def wants(self, call: CallState, session: SessionState) -> bool:
        """Whether a track that is published now is to be held."""
        undecided = _stay(call, session.participant.user_session_id) not in self._decided
        return self._seconds > 0 and undecided and call.running() is None

    def begin(self, held: HeldTake) -> None:
        """Capture for a take that the journal holds."""
        session = self._journal.state.call_session(held.call, held.call_session_id).sessions[
            held.user_session_id
        ]
        self._intake.record(session.tracks[held.track_id].ports, held.number)
        self._spawn(self._expire(held.number))

    def resume(self) -> None:
        """Go on with what was held when the agent was killed."""
        for held in self._journal.state.held:
            self.begin(held)

    def decide(self, report: Report) -> None:
        """Let go of what no recording took over, though the control plane knew of its participant.

        Args:
            report: as it was answered; what the answer asked for has been started.
        """
        known = {(call.call, call.call_session_id) for call in self._journal.state.calls}
        self._decided = {stay for stay in self._decided if stay[:2] in known}
        self._decided |= {
            (hosted.call, hosted.call_session_id, participant.user_session_id)
            for hosted in report.calls
            for participant in hosted.participants
        }
        self._let_go(
            held.number
            for held in self._journal.state.held
            if (held.call, held.call_session_id, held.user_session_id) in self._decided
        )

    def end(self) -> None:
        """Let go of everything."""
        self._let_go(held.number for held in self._journal.state.held)

    async def _expire(self, number: int) -> None:
        await asyncio.sleep(self._seconds)
        if any(held.number == number for held in self._journal.state.held):
            _log.warning(
                "take %d: nobody said within %g s whether it is recorded", number, self._seconds
            )
            self._let_go([number])

    def _let_go(self, numbers: Iterable[int]) -> None:
        takes = tuple(numbers)
        if takes:
            self._journal.write(HeldLetGo(numbers=takes))
            self._intake.release(set(takes))


def _stay(call: CallState, user_session_id: str) -> _Stay:
    return call.call, call.call_session_id, user_session_id
