"""What moto's interpreter of the Amazon States Language (LocalStack's) needs to be relied upon.

- One definition is parsed at a time: the parser keeps its state in a class, and mixes up
  executions that start together, which then hang.
- Starting executions is atomic, so that a name makes one execution, however many ask at once; an
  execution without a name gets one; names and inputs keep to AWS's limits. The interpreter itself
  enforces 256 KiB on what passes between states.
- `$$.Execution.StartTime` is text.
- Clients are made once per service, not once per task.
- An execution whose interpreter died is FAILED, not RUNNING for ever: see `Watch`.
"""

from __future__ import annotations

import datetime
import threading
import uuid
from types import SimpleNamespace
from typing import Any

from moto.stepfunctions.exceptions import InvalidExecutionInput, NameTooLongException
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from infra.local.patches.swap import PatchMismatch, swap

INPUT_LIMIT = 256 * 1024
NAME_LIMIT = 80


class Watch:
    """Executions under way, each with the thread that interprets it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads: dict[threading.Thread, Any] = {}

    def add(self, thread: threading.Thread, execution: Any) -> None:
        """Watch an execution that is about to start."""
        with self._lock:
            self._threads[thread] = execution

    def fail_the_dead(self, limit_seconds: float) -> list[str]:
        """Mark executions as FAILED whose interpreter died, or that are older than the limit.

        Returns:
            Their ARNs.
        """
        now = datetime.datetime.now(datetime.UTC)
        oldest = now - datetime.timedelta(seconds=limit_seconds)
        with self._lock:
            over = [
                thread
                for thread, execution in self._threads.items()
                if not thread.is_alive() or execution.start_date < oldest
            ]
            causes = [(self._threads.pop(each), _cause(each, limit_seconds)) for each in over]
        dead = [each for each in causes if each[0].exec_status == ExecutionStatus.RUNNING]
        for execution, cause in dead:
            execution.error, execution.cause = "States.Runtime", cause
            execution.stop_date = now
            execution.exec_status = ExecutionStatus.FAILED
        return [execution.exec_arn for execution, _ in dead]


def _cause(thread: threading.Thread, limit_seconds: float) -> str:
    if thread.is_alive():
        return f"The execution ran for longer than the local stack's {limit_seconds:.0f} s."
    return "The interpreter died: its traceback is in the log of the stack."


def install() -> Watch:
    """Make executions reliable.

    Returns:
        What to ask regularly for executions that died.
    """
    watch = Watch()
    _install_parser_lock()
    _install_start()
    _install_clients()
    _install_watch(watch)

    def get_start_execution_details(self: Any) -> Any:
        details = original(self)
        start = self.start_date.astimezone(datetime.UTC)
        details.start_time = start.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return details

    original = swap(Execution, "get_start_execution_details", get_start_execution_details)
    return watch


def _install_parser_lock() -> None:
    if "_query_language_per_scope" not in vars(Preprocessor):
        raise PatchMismatch("moto's ASL parser keeps its state elsewhere now")
    lock = threading.RLock()

    def parse(definition: str) -> Any:
        with lock:
            Preprocessor._query_language_per_scope.clear()  # of a definition that was refused
            return original(definition)

    original = swap(AmazonStateLanguageParser, "parse", staticmethod(parse))


def _install_start() -> None:
    lock = threading.Lock()

    def start_execution(
        self: Any,
        state_machine_arn: str,
        name: str | None = None,
        execution_input: str | None = None,
        trace_header: Any = None,
    ) -> Any:
        name = name or str(uuid.uuid4())
        if len(name) > NAME_LIMIT:
            raise NameTooLongException(name)
        if execution_input and len(execution_input.encode()) > INPUT_LIMIT:
            raise InvalidExecutionInput(f"The input is longer than {INPUT_LIMIT} bytes.")
        with lock:
            return original(self, state_machine_arn, name, execution_input, trace_header)

    original = swap(StepFunctionsParserBackend, "start_execution", start_execution)


def _install_clients() -> None:
    """Let the interpreter's `boto3` give each service one client."""
    lock = threading.Lock()
    clients: dict[str, Any] = {}

    def client(*, service_name: str, **settings: Any) -> Any:
        with lock:
            if service_name not in clients:
                clients[service_name] = boto3.client(service_name=service_name, **settings)
            return clients[service_name]

    boto3 = swap(boto_client, "boto3", SimpleNamespace(client=client))


def _install_watch(watch: Watch) -> None:
    def start(self: Any) -> None:
        thread = threading.Thread(target=self._execution_logic, daemon=True, name="execution")
        watch.add(thread, self._execution_communication.execution)
        thread.start()

    swap(ExecutionWorker, "start", start)
