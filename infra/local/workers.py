"""Functions on this machine: processes of AWS's runtime client, reused while they are warm."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from infra.local.runtime_api import Invocation, Outcome, RuntimeApi, failure

CONCURRENCY = 4  # of one function; an invocation beyond waits, where AWS would start another
# Importing a handler does not count against its timeout, as on AWS; a loaded machine is slow.
INIT_SECONDS = 60.0
STOP_SECONDS = 5.0
# Of an asynchronous invocation: the first and two more, as on AWS, but without the minutes between.
ASYNC_ATTEMPTS = 3
ASYNC_PAUSE_SECONDS = 1.0
PASSED_ON = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPYCACHEPREFIX")


@dataclass(frozen=True)
class Function:
    """A function as it is configured; another configuration is another function."""

    name: str
    arn: str
    handler: str
    environment: tuple[tuple[str, str], ...]
    timeout_seconds: float
    memory_mb: int
    concurrency: int = CONCURRENCY


@dataclass(frozen=True)
class Site:
    """Where workers run.

    Attributes:
        environment: what every worker needs to reach the local AWS.
        root: working directory, from which handlers are imported.
        python_path: further folders to import from.
        logs: folder of a log per function.
    """

    environment: Mapping[str, str]
    root: Path
    python_path: tuple[Path, ...]
    logs: Path


class Worker:
    """One process that serves one function, one event at a time."""

    def __init__(self, function: Function, site: Site) -> None:
        self.function = function
        self._api = RuntimeApi()
        with self._log_path(site).open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "awslambdaric", function.handler],
                cwd=site.root,
                env=self._environment(site),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that what it starts is killed with it
            )
        threading.Thread(target=self._watch, daemon=True, name=f"watch-{function.name}").start()

    def _log_path(self, site: Site) -> Path:
        return site.logs / f"{self.function.name}.log"

    def _environment(self, site: Site) -> dict[str, str]:
        path = os.pathsep.join(map(str, (site.root, *site.python_path)))
        function = self.function
        return {
            **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
            **site.environment,
            **dict(function.environment),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "local",
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "LAMBDA_TASK_ROOT": str(site.root),
            "PYTHONPATH": path,
            "TZ": ":UTC",
            "_HANDLER": function.handler,
        }

    @property
    def usable(self) -> bool:
        """Whether it can take another event."""
        return self._api.mailbox.lost is None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process, which leads a process group of its own."""
        return self._process.pid

    def invoke(self, payload: bytes) -> Outcome:
        """Give it an event and wait for what comes of it."""
        seconds = self.function.timeout_seconds
        invocation = Invocation(str(uuid.uuid4()), payload, self.function.arn, seconds)
        mailbox = self._api.mailbox
        mailbox.post(invocation)
        if not mailbox.wait_taken(INIT_SECONDS):
            mailbox.lose(
                failure(
                    "Sandbox.Timedout",
                    f"RequestId: {invocation.request_id} Error: the function did not start within "
                    f"{INIT_SECONDS:.0f} seconds",
                    worker_lost=True,
                )
            )
        outcome = mailbox.wait_outcome(seconds)
        if outcome is None:
            outcome = failure(
                "Sandbox.Timedout",
                f"RequestId: {invocation.request_id} Error: Task timed out after "
                f"{seconds:.2f} seconds",
                worker_lost=True,
            )
        if outcome.worker_lost:
            self.stop()
        return outcome

    def stop(self) -> None:
        """Kill the process and all that it started, and give its port back."""
        self._api.mailbox.lose(failure("Sandbox.Stopped", "the worker was stopped"))
        with contextlib.suppress(ProcessLookupError):  # it was gone already
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(STOP_SECONDS)
        self._api.stop()

    def _watch(self) -> None:
        code = self._process.wait()
        how = f"signal: {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        lost = failure(
            "Runtime.ExitError", f"Error: Runtime exited with error: {how}", worker_lost=True
        )
        self._api.mailbox.lose(lost)


class Pool:
    """The workers of one function."""

    def __init__(self, concurrency: int) -> None:
        self._slots = threading.Semaphore(concurrency)
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()
        self._stopped = False

    def invoke(self, function: Function, payload: bytes, site: Site) -> Outcome:
        """Run one event on a warm worker, or on a new one."""
        with self._slots:
            worker = self._borrow(function) or self._start(function, site)
            if worker is None:
                return failure("Sandbox.Stopped", f"{function.name} is shut down")
            outcome = worker.invoke(payload)
            with self._lock:
                if worker.usable and not self._stopped:
                    self._idle.append(worker)
                else:
                    self._all.discard(worker)
            return outcome

    def _borrow(self, function: Function) -> Worker | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                worker = self._idle.pop()
            if worker.usable and worker.function == function:
                return worker
            self._all.discard(worker)
            worker.stop()

    def _start(self, function: Function, site: Site) -> Worker | None:
        with self._lock:
            if self._stopped:
                return None
            worker = Worker(function, site)
            self._all.add(worker)
            return worker

    def stop(self) -> None:
        """Kill all workers; invocations under way fail."""
        with self._lock:
            self._stopped = True
            workers, self._all, self._idle = self._all, set(), []
        for worker in workers:
            worker.stop()


class Workers:
    """All functions of a stack."""

    def __init__(self, site: Site, crashes: Path) -> None:
        self._site = site
        self._crashes = crashes
        self._lock = threading.Lock()
        self._pools: dict[str, Pool] = {}
        self._background = ThreadPoolExecutor(16, thread_name_prefix="async-invoke")

    def invoke(self, function: Function, payload: bytes) -> Outcome:
        """Run a function and wait for it."""
        with self._lock:
            pool = self._pools.setdefault(function.name, Pool(function.concurrency))
        outcome = pool.invoke(function, payload, self._site)
        if outcome.worker_lost:
            self._note_crash(function, outcome)
        return outcome

    def invoke_later(self, function: Function, payload: bytes) -> None:
        """Run a function in the background, again when it fails, as for events on AWS."""
        self._background.submit(self._attempt, function, payload)

    def _attempt(self, function: Function, payload: bytes) -> None:
        for attempt in range(ASYNC_ATTEMPTS):
            if attempt:
                time.sleep(ASYNC_PAUSE_SECONDS * attempt)
            if not self.invoke(function, payload).failed:
                return

    def _note_crash(self, function: Function, outcome: Outcome) -> None:
        error = json.loads(outcome.payload)
        line = {"function": function.name, **error}
        with self._lock, self._crashes.open("a") as crashes:
            crashes.write(json.dumps(line) + "\n")

    def stop(self) -> None:
        """Kill every worker."""
        self._background.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            pools = list(self._pools.values())
        for pool in pools:
            pool.stop()
