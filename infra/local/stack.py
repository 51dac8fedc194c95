"""A local stack in a process of its own, as tests and the demo use it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from infra.local import address

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "infra" / "template.json"
SECRET = "ApiSecret"  # the logical id of the API key and its secret
STOP_SECONDS = 15.0
TAIL_CHARACTERS = 4000


class StackError(Exception):
    """The local stack did not start; the message has the end of its log."""


@dataclass(frozen=True)
class Credentials:
    """The API key of the HTTP API, and the secret that signs tokens and webhooks."""

    api_key: str
    api_secret: str


@dataclass(frozen=True)
class Execution:
    """An execution of a state machine.

    Attributes:
        status: RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
        error: the name of the error, if it failed; `cause` says more.
    """

    arn: str
    name: str
    status: str
    error: str | None
    cause: str | None


@dataclass(frozen=True)
class Failure:
    """Something that went wrong inside the stack: an execution that failed, a worker that died.

    Attributes:
        source: the execution's ARN, or the function's name.
    """

    source: str
    error: str
    cause: str


class LocalStack:
    """Context manager: the deployed template on this machine, torn down at the end.

    Attributes:
        endpoint: of all AWS services.
        api_url: of the front door: HTTP API and WebSocket API, without a slash at the end.
        outputs: of the template, by name.
        resources: physical ids by logical id.
        folder: has `stack.log`, `logs/{function}.log` and `crashes.jsonl`; it stays.
    """

    endpoint: str
    api_url: str
    outputs: Mapping[str, str]
    resources: Mapping[str, str]

    def __init__(
        self,
        template: Mapping[str, Any] | Path | None = None,
        parameters: Mapping[str, str] | None = None,
        *,
        aws_port: int = 0,
        api_port: int = 0,
        folder: Path | None = None,
        python_path: Sequence[Path] = (),
        execution_limit_seconds: float | None = None,
    ) -> None:
        """Prepare a stack.

        Args:
            template: the shipped one unless given.
            parameters: of the template.
            aws_port: 0 for any that is free.
            api_port: 0 for any that is free.
            folder: for logs; a new temporary one unless given.
            python_path: folders from which handlers may be imported besides the repository.
            execution_limit_seconds: when an execution counts as hung.
        """
        self.folder = folder or Path(tempfile.mkdtemp(prefix="isotrack-local-"))
        self._template = template
        self._options = [f"--aws-port={aws_port}", f"--api-port={api_port}"]
        self._options += [f"--folder={self.folder}"]
        self._options += [f"--parameter={key}={each}" for key, each in (parameters or {}).items()]
        self._options += [f"--python-path={each}" for each in python_path]
        if execution_limit_seconds is not None:
            self._options.append(f"--execution-limit={execution_limit_seconds}")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> LocalStack:
        """Start the stack and wait until the template is deployed.

        Raises:
            StackError: it cannot be started, or the template not be deployed.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "infra.local", "up", "--child", *self._options]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, f"--template={self._template_path()}"],
                cwd=ROOT,
                env=child_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us, we end it in order
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._stop()
            tail = self._log.read_text(errors="replace")[-TAIL_CHARACTERS:]
            raise StackError(f"the local stack did not start:\n{tail}")
        report = json.loads(line)
        self.endpoint, self.api_url = report["endpoint"], report["api_url"]
        self.outputs, self.resources = report["outputs"], report["resources"]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End every process of the stack and free its ports."""
        self._stop()

    def environment(self) -> dict[str, str]:
        """Variables that point the AWS clients of a child process at this stack."""
        return address.environment(self.endpoint)

    def client(self, service: str) -> Any:
        """A boto3 client of this stack."""
        return address.client(service, self.endpoint)

    @property
    def credentials(self) -> Credentials:
        """Key and secret of the HTTP API.

        Raises:
            StackError: the template has no such secret.
        """
        if SECRET not in self.resources:
            raise StackError(f"the template has no secret called {SECRET}")
        secrets = self.client("secretsmanager")
        secret = json.loads(
            secrets.get_secret_value(SecretId=self.resources[SECRET])["SecretString"]
        )
        return Credentials(secret["api_key"], secret["api_secret"])

    def executions(self) -> list[Execution]:
        """All executions of all state machines, the newest first in each."""
        machines = self.client("stepfunctions")
        found = []
        for machine in machines.list_state_machines()["stateMachines"]:
            pages = machines.get_paginator("list_executions").paginate(
                stateMachineArn=machine["stateMachineArn"]
            )
            arns = [each["executionArn"] for page in pages for each in page["executions"]]
            found += [_execution(machines.describe_execution(executionArn=arn)) for arn in arns]
        return found

    def failures(self) -> list[Failure]:
        """What went wrong so far: executions that did not succeed, workers that died."""
        failed = [
            Failure(each.arn, each.error or each.status, each.cause or "")
            for each in self.executions()
            if each.status not in ("RUNNING", "SUCCEEDED")
        ]
        crashes = self.folder / "crashes.jsonl"
        lines = crashes.read_text().splitlines() if crashes.exists() else []
        return failed + [self._crash(json.loads(line)) for line in lines]

    def log(self, logical_id: str) -> str:
        """What a function, by its logical id, has written to its log."""
        path = self.folder / "logs" / f"{self.resources[logical_id]}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def _log(self) -> Path:
        return self.folder / "stack.log"

    def _template_path(self) -> Path:
        if self._template is None:
            return TEMPLATE
        if isinstance(self._template, Path):
            return self._template.resolve()
        path = self.folder / "template.json"
        path.write_text(json.dumps(self._template))
        return path

    def _crash(self, line: Mapping[str, str]) -> Failure:
        path = self.folder / "logs" / f"{line['function']}.log"
        tail = path.read_text(errors="replace")[-TAIL_CHARACTERS:]
        return Failure(line["function"], line["errorType"], f"{line['errorMessage']}\n{tail}")

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()  # which is how it is told to end
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()


def child_environment() -> dict[str, str]:
    """Ours; where Python is told not to write bytecode, it keeps its bytecode in the venv.

    Without bytecode, importing moto and each function anew takes longer than all the rest.
    """
    if not sys.dont_write_bytecode:
        return dict(os.environ)
    cache = str(Path(sys.prefix) / "bytecode")
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": cache}


def _execution(described: Mapping[str, Any]) -> Execution:
    return Execution(
        described["executionArn"],
        described["name"],
        described["status"],
        described.get("error"),
        described.get("cause"),
    )
