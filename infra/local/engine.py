"""The whole stack in this process: moto, what our patches add to it, and a deployed template."""

from __future__ import annotations

import functools
import logging
import os
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from infra.local import address, http_api, patches, websocket_api
from infra.local.connections_api import ConnectionsApi
from infra.local.deployer import Deployment, deploy
from infra.local.front_door import FrontDoor
from infra.local.http_api import HttpApi
from infra.local.patches.awslambda import Functions
from infra.local.resources.resource import Environment
from infra.local.sources import Sources
from infra.local.websocket_api import WebSocketApi
from infra.local.workers import Site, Workers

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
STACK_NAME = "Isotrack"
WATCH_SECONDS = 0.5
POLL_SECONDS = 0.05  # how soon a server notices that it shall end
CRASHES = "crashes.jsonl"
LOGS = "logs"


@dataclass(frozen=True)
class Settings:
    """What a stack is made of.

    Attributes:
        parameters: of the template; those not given keep their defaults.
        api_port: 0 for any that is free.
        folder: gets the logs of functions and a list of crashes.
        python_path: folders with further handlers.
        execution_limit_seconds: an execution older than that counts as hung, and as failed.
    """

    template: Mapping[str, Any]
    parameters: Mapping[str, str]
    api_port: int
    folder: Path
    python_path: tuple[Path, ...]
    execution_limit_seconds: float


@dataclass(frozen=True)
class Report:
    """Where a running stack is, and what it is made of.

    Attributes:
        endpoint: of all AWS services.
        api_url: of the HTTP API.
        outputs: of the template.
        resources: physical ids by logical id.
    """

    endpoint: str
    api_url: str
    outputs: Mapping[str, str]
    resources: Mapping[str, str]


class Engine:
    """Context manager that runs a stack; once per process, as moto is patched for good."""

    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        """Take over the socket on which AWS is to answer."""
        self._settings = settings
        self._stopping = threading.Event()
        host, port = listener.getsockname()
        self._endpoint = f"http://{host}:{port}"
        self._client = functools.partial(address.client, endpoint=self._endpoint)
        self._workers = self._make_workers()
        self._sources = Sources(self._client)
        self._functions = Functions(self._workers)
        self._http_api = HttpApi(self._functions.invoke)
        self._websocket_api = WebSocketApi(self._functions.invoke)
        self._front_door = FrontDoor(settings.api_port, self._http_api, self._websocket_api)
        self._watch = patches.install(self._workers, self._functions, self._sources)
        self._server = self._make_server(listener)

    def __enter__(self) -> Report:
        """Start everything and deploy the template."""
        self._thread(functools.partial(self._server.serve_forever, POLL_SECONDS), "aws")
        self._thread(self._watch_executions, "watchdog")
        deployment = self._deploy()
        gateway = self._client("apigatewayv2")
        if http := http_api.read_api(gateway):
            self._http_api.serve(http)
        if websocket := websocket_api.read_api(gateway):
            self._websocket_api.serve(websocket)
        return Report(
            self._endpoint,
            self._front_door.url,
            {
                name: self._front_door.without_tls(value)
                for name, value in deployment.outputs.items()
            },
            deployment.resources,
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop taking work, kill the workers, free the ports."""
        self._stopping.set()
        self._sources.stop()
        self._front_door.stop()
        self._http_api.stop()
        self._websocket_api.stop()
        self._workers.stop()
        self._server.shutdown()
        self._server.server_close()

    def _deploy(self) -> Deployment:
        return deploy(
            self._settings.template,
            self._settings.parameters,
            Environment(
                stack_name=STACK_NAME,
                region=address.REGION,
                account=address.ACCOUNT,
                client=functools.cache(self._client),
                api_url=self._front_door.url,
                websocket_url=self._endpoint.replace("http", "ws", 1),
                websocket_paths=self._front_door.websocket_paths,
            ),
        )

    def _make_workers(self) -> Workers:
        folder = self._settings.folder
        (folder / LOGS).mkdir(parents=True, exist_ok=True)
        site = Site(
            address.environment(self._endpoint),
            ROOT,
            self._settings.python_path,
            folder / LOGS,
        )
        return Workers(site, folder / CRASHES)

    def _make_server(self, listener: socket.socket) -> Any:
        host, port = listener.getsockname()
        os.environ["MOTO_PORT"] = str(port)  # where its interpreter finds the services
        default_user_config["stepfunctions"] = {"execute_state_machine": True}
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # not a line for each request
        with listener:  # the server has a duplicate of it
            return make_server(
                host,
                port,
                ConnectionsApi(
                    self._websocket_api, DomainDispatcherApplication(create_backend_app)
                ),
                threaded=True,
                request_handler=MotoRequestHandler,
                fd=listener.fileno(),
            )

    def _thread(self, target: Any, name: str) -> None:
        threading.Thread(target=target, daemon=True, name=name).start()

    def _watch_executions(self) -> None:
        while not self._stopping.wait(WATCH_SECONDS):
            for arn in self._watch.fail_the_dead(self._settings.execution_limit_seconds):
                log.error("execution %s hung and was marked as failed", arn)
