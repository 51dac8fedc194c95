"""Agents in the table."""

from __future__ import annotations

from isotrack.adapters.dynamodb import DynamoItems
from isotrack.adapters.dynamodb_keys import join


class DynamoAgentTable:
    """An AgentTable."""

    def __init__(self, items: DynamoItems) -> None:
        self._items = items

    def poke_queue_url(self, agent_id: str) -> str | None:
        """The queue made for an agent; None before its first report."""
        fields = self._items.get(join("agent", agent_id), "queue")
        return None if fields is None else str(fields["url"])

    def keep_poke_queue_url(self, agent_id: str, url: str) -> None:
        """Remember the queue of an agent."""
        self._items.put(join("agent", agent_id), "queue", {"url": url})
