"""The agent's command: `python -m capture_agent`, configured by the environment.

python -m capture_agent            run
python -m capture_agent openapi    write the contract of the control interface
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import socket
import sys
from collections.abc import Iterator

import uvicorn
from pydantic import ValidationError

from capture_agent.agent import Agent
from capture_agent.control import create_app
from capture_agent.openapi import CONTRACT, contract
from capture_agent.settings import Settings
from isotrack.adapters.stores import open_store
from isotrack.recording.errors import RecordingError


class _Server(uvicorn.Server):
    """A server that leaves the signals to the agent."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run(settings: Settings) -> None:
    """Run an agent and its control interface until a signal says to stop."""
    agent = Agent(settings, open_store(settings.store))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, agent.stop)
    with socket.create_server((settings.control_host, settings.control_port)) as listening:
        config = uvicorn.Config(
            create_app(agent), lifespan="off", log_config=None, access_log=False
        )
        server, ready = _Server(config), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            running = group.create_task(agent.run(ready))
            await ready.wait()
            serving = group.create_task(server.serve([listening]))
            host, port = listening.getsockname()[:2]
            print(json.dumps({"control": f"http://{host}:{port}"}), flush=True)
            await asyncio.wait([running, serving], return_when=asyncio.FIRST_COMPLETED)
            server.should_exit = True


def main() -> None:
    """Run the command."""
    if sys.argv[1:] == ["openapi"]:
        CONTRACT.write_text(contract(), encoding="utf-8")
        return
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        asyncio.run(run(Settings()))
    except (RecordingError, ValidationError) as error:
        sys.exit(f"isotrack-agent: {error}")


if __name__ == "__main__":
    main()
