"""Agents and their queues, in memory."""

from __future__ import annotations


class MemoryAgentTable:
    def __init__(self) -> None:
        self.urls: dict[str, str] = {}

    def poke_queue_url(self, agent_id: str) -> str | None:
        return self.urls.get(agent_id)

    def keep_poke_queue_url(self, agent_id: str, url: str) -> None:
        self.urls[agent_id] = url


class MemoryAgentQueues:
    def __init__(self) -> None:
        self.created: list[str] = []
        self.poked: list[str] = []

    def create(self, agent_id: str) -> str:
        self.created.append(agent_id)
        return f"queue:{agent_id}"

    def poke(self, queue_url: str) -> None:
        self.poked.append(queue_url)
