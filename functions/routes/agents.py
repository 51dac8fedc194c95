"""Capture agents: they report what they host, and are told what to record."""

from __future__ import annotations

from functions import wiring
from functions.asking import Asked
from functions.operations import Asking, Operations
from functions.routes.paths import AgentPath
from isotrack.calls.permissions import require_agent
from isotrack.control.observe import observe
from isotrack.recording.agents import DesiredState, Report

agents = Operations("", asking=Asking.AGENTS)


@agents.post("ReportCalls", "/agents/{agent_id}/report", 200)
def report_calls(asked: Asked, path: AgentPath, body: Report) -> DesiredState:
    """Take an agent's report and answer what it shall record."""
    require_agent(asked.caller, path.agent_id)
    return observe(path.agent_id, body, world=asked.world, archive=wiring.archive(), now=asked.now)
