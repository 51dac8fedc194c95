"""Delivery of events to the targets of rules, which moto does only in part.

Kept: PutEvents, its errors per entry, and the matching of patterns. Replaced: what happens to an
event that matched. A rule that is DISABLED is silent; a target gets the constant `Input`, the
`InputPath`, what the `InputTransformer` makes, or the whole event; queues, functions and state
machines are reached; what cannot be delivered goes to the target's dead-letter queue with the
attributes that EventBridge gives it. PutEvents refuses more than 1 MiB.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from jsonpath_ng.parser import parse as parse_jsonpath
from moto.core.exceptions import JsonRESTError, ServiceException
from moto.events import models
from moto.events.utils import EventTemplateParser
from moto.sqs.models import sqs_backends
from moto.stepfunctions.responses import get_backend as get_state_machines

from infra.local.patches.awslambda import Functions
from infra.local.patches.swap import swap

log = logging.getLogger(__name__)

ENTRIES_LIMIT = 1024 * 1024
TIME_BYTES = 14  # what EventBridge counts for an entry's Time


class Undeliverable(Exception):
    """A target cannot have an event."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def install(functions: Functions) -> None:
    """Deliver events as EventBridge does."""

    def send_to_targets(
        self: Any,
        original_event: Any,
        transform_input: bool = True,  # noqa: ARG001 - moto's, for targets that are not ours
    ) -> None:
        event = {**original_event, "time": _iso(original_event["time"])}
        if self.state != "ENABLED" or not self.event_pattern.matches_event(event):
            return
        for target in list(self.targets):
            try:
                _send(functions, target, _input(target, event))
            except Undeliverable as error:
                _to_dead_letters(self.arn, target, event, error)

    def put_events(self: Any, events: Any) -> Any:
        size = sum(map(entry_size, events))
        if size > ENTRIES_LIMIT:
            raise JsonRESTError(
                "ValidationException",
                f"Total size of the entries in the request is over the limit: {size} bytes.",
            )
        return original_put(self, events)

    swap(models.Rule, "send_to_targets", send_to_targets)
    original_put = swap(models.EventsBackend, "put_events", put_events)


def entry_size(entry: Mapping[str, Any]) -> int:
    """The bytes of an entry as EventBridge counts them.

    Reference: EventBridge User Guide, "Calculating PutEvents event entry size".
    """
    texts = [entry.get(name) or "" for name in ("Source", "DetailType", "Detail")]
    texts += entry.get("Resources") or []
    return sum(len(text.encode()) for text in texts) + (TIME_BYTES if entry.get("Time") else 0)


def _iso(time: float | str) -> str:
    """The time of an event, which moto holds in seconds, to the second and in UTC."""
    if isinstance(time, str):
        return time
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _input(target: Mapping[str, Any], event: dict[str, Any]) -> str:
    """What a target is given of an event."""
    if "Input" in target:
        return str(target["Input"])
    if transformer := target.get("InputTransformer"):
        made = EventTemplateParser.parse(
            transformer["InputTemplate"], transformer.get("InputPathsMap", {}), event
        )
        return json.dumps(made)
    visible = {key: value for key, value in event.items() if key != "ingestion-time"}
    if path := target.get("InputPath"):
        found = parse_jsonpath(path).find(visible)
        if not found:
            raise Undeliverable("INVALID_INPUT_PATH", f"the event has nothing at {path}")
        return json.dumps(found[0].value)
    return json.dumps(visible)


def _send(functions: Functions, target: Mapping[str, Any], text: str) -> None:
    _, _, service, region, account, resource = target["Arn"].split(":", 5)
    try:
        if service == "sqs":
            sqs_backends[account][region].send_message(queue_name=resource, message_body=text)
        elif service == "lambda":
            functions.invoke_later(target["Arn"], text.encode())
        elif service == "states":
            get_state_machines(account, region).start_execution(target["Arn"], None, text)
        else:
            raise Undeliverable("NOT_EMULATED", f"the local stack has no targets in {service}")
    except ServiceException as error:
        raise Undeliverable(error.code, error.message) from error
    except JsonRESTError as error:
        raise Undeliverable(error.error_type, str(error.message)) from error


def _to_dead_letters(
    rule_arn: str, target: Mapping[str, Any], event: Mapping[str, Any], error: Undeliverable
) -> None:
    dead_letters = target.get("DeadLetterConfig", {}).get("Arn")
    if dead_letters is None:
        log.error("event %s is lost: %s: %s", event["id"], target["Arn"], error)
        return
    attributes = {
        "RULE_ARN": rule_arn,
        "TARGET_ARN": target["Arn"],
        "ERROR_CODE": error.code,
        "ERROR_MESSAGE": str(error),
    }
    _, _, _, region, account, queue = dead_letters.split(":", 5)
    sqs_backends[account][region].send_message(
        queue_name=queue,
        message_body=json.dumps(event),
        message_attributes={
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
    )
