"""Stop the individual recording of a call."""

from __future__ import annotations

from datetime import datetime

from isotrack.pipeline.ports import AgentQueues, CallTable
from isotrack.pipeline.update import update_call
from isotrack.recording.tracks import Call


def stop(call: Call, *, calls: CallTable, agents: AgentQueues, now: datetime) -> None:
    """Ask for a call to be recorded no more, and wake the agents that host it.

    Raises Conflict when it is not being recorded.
    """
    record = update_call(call, lambda record: record.stop(now), calls=calls)
    for url in record.poke_queue_urls:
        agents.poke(url)
