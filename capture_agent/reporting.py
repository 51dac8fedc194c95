"""The control plane's side of the agent: it is told what is, and says what shall be.

An agent that hears nothing goes on with what was desired last. Without a control plane the
standalone loop takes note of what a report would have said, so that the journal lets go of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from capture_agent.clock import Clock
from capture_agent.entries import Reported
from capture_agent.journal import Journal
from capture_agent.preroll import Preroll
from capture_agent.recorder import Recorder
from capture_agent.reports import acknowledged, report_of
from isotrack.recording.agents import DesiredState, Report
from isotrack.recording.errors import Rejected

_TIMEOUT_SECONDS = 10.0
_COLLECT_SECONDS = 0.05
"""Changes so close together go into one report."""

_log = logging.getLogger(__name__)


class ControlPlane:
    """The control plane's HTTP interface for agents."""

    def __init__(self, api_url: str, agent_id: str, api_key: str, token: str) -> None:
        self._path = f"agents/{quote(agent_id, safe='')}/report"
        self._client = httpx.AsyncClient(
            base_url=f"{api_url.rstrip('/')}/",
            params={"api_key": api_key},
            headers={"Authorization": token, "stream-auth-type": "jwt"},
            timeout=_TIMEOUT_SECONDS,
        )

    async def exchange(self, report: Report) -> DesiredState:
        """Post a report.

        Raises:
            httpx.HTTPError: it did not get through, or was refused.
            ValidationError: the answer is no desired state.
        """
        body = report.model_dump_json()
        headers = {"Content-Type": "application/json"}
        answer = await self._client.post(self._path, content=body, headers=headers)
        answer.raise_for_status()
        return DesiredState.model_validate_json(answer.content)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()


class Reporter:
    """Reports at once on a change and every few seconds without, and does what is desired."""

    def __init__(
        self,
        recorder: Recorder,
        preroll: Preroll,
        journal: Journal,
        clock: Clock,
        control_plane: ControlPlane | None,
        interval_seconds: float,
        listen_for_pokes: Callable[[str], None],
    ) -> None:
        self._recorder = recorder
        self._preroll = preroll
        self._journal = journal
        self._clock = clock
        self._control_plane = control_plane
        self._interval_seconds = interval_seconds
        self._listen_for_pokes = listen_for_pokes
        self.last_report_at: datetime | None = None
        """When a report got through last."""

    async def run(self) -> None:
        """Report for ever."""
        while True:
            self._recorder.changed.clear()
            await self.report()
            try:
                async with asyncio.timeout(self._interval_seconds):
                    await self._recorder.changed.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(_COLLECT_SECONDS)

    async def report(self, *, obey: bool = True) -> None:
        """Report once, and do what the answer says unless told otherwise."""
        report = report_of(self._journal.state, self._clock.real)
        if self._control_plane is not None:
            try:
                desired = await self._control_plane.exchange(report)
            except (httpx.HTTPError, ValidationError) as error:
                _log.warning("no answer from the control plane, nothing changes: %s", error)
                return
            self.last_report_at = self._clock.now()
        for settled in acknowledged(report):
            self._settle(settled)
        if self._control_plane is not None and obey:
            self._reconcile(report, desired)
            self._preroll.decide(report)

    def _settle(self, settled: Reported) -> None:
        known = {(c.call, c.call_session_id) for c in self._journal.state.calls}
        if (settled.call, settled.call_session_id) in known:
            self._journal.write(settled)

    def _reconcile(self, report: Report, desired: DesiredState) -> None:
        """Stop what runs and is not desired, then start what is desired and does not run."""
        wanted = {egress.egress_id for egress in desired.recordings}
        for hosted in report.calls:
            call = self._journal.state.live_call(hosted.call)
            running = call.running() if call else None
            if call and running and call.call_session_id == hosted.call_session_id:
                reported = {recording.egress_id for recording in hosted.recordings}
                egress_id = running.desired.egress_id
                if egress_id in reported - wanted:
                    self._recorder.stop(call, egress_id)
        for egress in desired.recordings:
            call = self._journal.state.live_call(egress.call)
            if call is None or egress.egress_id in call.egresses:
                continue
            started_at = self._clock.convert(egress.started_at)
            try:
                self._recorder.start(egress.model_copy(update={"started_at": started_at}))
            except Rejected as error:
                _log.warning("cannot start %s: %s", egress.egress_id, error)
        if desired.poke_queue_url:
            self._listen_for_pokes(desired.poke_queue_url)
