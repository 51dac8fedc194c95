from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.capture_agent.agents import AgentProcess


@pytest.fixture
def start_agent(tmp_path: Path) -> Iterator[Callable[..., AgentProcess]]:
    """Starts an agent with these settings beside the usual ones."""
    agents = []

    def start(**settings: str) -> AgentProcess:
        environment = {f"ISOTRACK_{name.upper()}": value for name, value in settings.items()}
        agents.append(AgentProcess(tmp_path, environment))
        return agents[-1]

    yield start
    for agent in agents:
        agent.close()


@pytest.fixture(scope="session")
def shared_agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentProcess]:
    settings = {"ISOTRACK_CHUNK_SECONDS": "0.3"}
    agent = AgentProcess(tmp_path_factory.mktemp("agent"), settings)
    yield agent
    agent.close()


@pytest.fixture
def agent(shared_agent: AgentProcess, request: pytest.FixtureRequest) -> AgentProcess:
    """An agent with chunks of 0.3 s that other tests use too, and a call of this test alone."""
    digest = hashlib.sha256(request.node.nodeid.encode()).hexdigest()
    shared_agent.call = f"call-{digest[:8]}"
    return shared_agent


@pytest.fixture
def send() -> Iterator[Callable[..., None]]:
    """Sends datagrams to an endpoint as the control interface names it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:

        def send_all(to: dict[str, Any], *datagrams: bytes) -> None:
            for datagram in datagrams:
                udp.sendto(datagram, (to["host"], to["port"]))

        yield send_all
