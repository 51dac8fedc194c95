"""moto's Lambda runs functions in Docker containers: here it runs our workers.

- Invoke reaches a worker, answers `FunctionError: Unhandled` as AWS does today, is asynchronous
  for the type `Event`, and refuses payloads above AWS's limits.
- Creating an SQS event source mapping starts pollers; moto's own push inside SendMessage is
  removed in `patches.sqs`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.awslambda import models
from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.utils import get_backend
from moto.core import DEFAULT_ACCOUNT_ID

from infra.local.patches.swap import swap
from infra.local.runtime_api import PAYLOAD_LIMIT, Outcome
from infra.local.sources import REPORT_FAILURES, QueueMapping, Sources
from infra.local.workers import CONCURRENCY, Function, Workers

ASYNC_PAYLOAD_LIMIT = 1024 * 1024


class RequestTooLarge(LambdaClientError):
    """The event is larger than Lambda takes."""

    code = 413

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            "RequestTooLargeException",
            f"Request must be smaller than {limit} bytes for the InvokeFunction operation; "
            f"this one has {size}",
        )


class Functions:
    """Functions by ARN, for what invokes them from inside: rules, queues, the HTTP API."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers

    def invoke(self, arn: str, payload: bytes) -> Outcome:
        """Run a function and wait for it."""
        return self._workers.invoke(self._find(arn), payload)

    def invoke_later(self, arn: str, payload: bytes) -> None:
        """Run a function in the background."""
        self._workers.invoke_later(self._find(arn), payload)

    def _find(self, arn: str) -> Function:
        region = arn.split(":")[3]
        return to_function(get_backend(DEFAULT_ACCOUNT_ID, region).get_function(arn))


def to_function(function: models.LambdaFunction) -> Function:
    """What our workers need to know of moto's function."""
    concurrency = function.reserved_concurrency
    return Function(
        name=function.function_name,
        arn=function.function_arn,
        handler=function.image_config.cmd[0],
        environment=tuple(sorted(function.environment_vars.items())),
        timeout_seconds=float(function.timeout),
        memory_mb=int(function.memory_size),
        concurrency=CONCURRENCY if concurrency is None else min(CONCURRENCY, int(concurrency)),
    )


def install(workers: Workers, functions: Functions, sources: Sources) -> None:
    """Let moto's Lambda use our workers and sources."""

    def invoke(self: Any, body: str, request_headers: Any, response_headers: Any) -> bytes:
        kind = request_headers.get("x-amz-invocation-type", "RequestResponse")
        payload = (body.encode() if isinstance(body, str) else body) or b"{}"
        limit = PAYLOAD_LIMIT if kind == "RequestResponse" else ASYNC_PAYLOAD_LIMIT
        if len(payload) > limit:
            raise RequestTooLarge(len(payload), limit)
        json.loads(payload)
        if kind == "RequestResponse":
            outcome = workers.invoke(to_function(self), payload)
            if outcome.failed:
                response_headers["x-amz-function-error"] = "Unhandled"
            return outcome.payload
        if kind == "Event":
            workers.invoke_later(to_function(self), payload)
        return b""

    def create_event_source_mapping(self: Any, spec: dict[str, Any]) -> Any:
        mapping = original_create(self, spec)
        sources.start(_queue_mapping(self, mapping, functions.invoke))
        return mapping

    swap(models.LambdaFunction, "invoke", invoke)
    original_create = swap(
        models.LambdaBackend, "create_event_source_mapping", create_event_source_mapping
    )


def _queue_mapping(
    backend: Any, mapping: Any, invoke: Callable[[str, bytes], Outcome]
) -> QueueMapping:
    """What our pollers need to know of moto's mapping."""
    scaling = mapping.scaling_config or {}
    return QueueMapping(
        queue_arn=mapping.event_source_arn,
        batch_size=mapping.batch_size,
        reports_failures=REPORT_FAILURES in (mapping.function_response_types or ()),
        concurrency=int(scaling.get("MaximumConcurrency", CONCURRENCY)),
        enabled=lambda: mapping.enabled and mapping.uuid in backend._event_source_mappings,
        invoke=lambda payload: invoke(mapping.function_arn, payload),
    )
