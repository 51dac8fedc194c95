"""Queues, event buses and rules."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from infra.local.intrinsics import TemplateError
from infra.local.resources.resource import (
    Creator,
    Environment,
    Properties,
    Resource,
    physical_name,
)

QUEUE_ATTRIBUTES = (
    "VisibilityTimeout",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "DelaySeconds",
    "MaximumMessageSize",
)
TARGET_FIELDS = {"Arn", "Id", "Input", "InputPath", "InputTransformer", "DeadLetterConfig"}
# moto's matcher lets an operator that it does not know match everything.
PATTERN_OPERATORS = {
    "prefix",
    "suffix",
    "anything-but",
    "exists",
    "numeric",
    "cidr",
    "wildcard",
    "equals-ignore-case",
}


def _queue(environment: Environment, properties: Properties) -> Resource:
    name = properties.take("QueueName", physical_name(environment, properties.logical_id, 80))
    attributes = {key: str(value) for key, value in properties.among(*QUEUE_ATTRIBUTES).items()}
    if redrive := properties.take("RedrivePolicy"):
        attributes["RedrivePolicy"] = json.dumps(redrive)
    properties.ignore("SqsManagedSseEnabled", "KmsMasterKeyId", "RedriveAllowPolicy", "Tags")
    properties.done()
    url = environment.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return Resource(url, {"Arn": environment.arn("sqs", name), "QueueName": name, "QueueUrl": url})


def _event_bus(environment: Environment, properties: Properties) -> Resource:
    name = properties.require("Name")
    properties.ignore("Description", "Tags")
    properties.done()
    arn = environment.client("events").create_event_bus(Name=name)["EventBusArn"]
    return Resource(name, {"Arn": arn, "Name": name})


def _rule(environment: Environment, properties: Properties) -> Resource:
    name = properties.take("Name", physical_name(environment, properties.logical_id, 64))
    bus = properties.take("EventBusName", "default")
    pattern = properties.require("EventPattern")
    targets = properties.take("Targets", [])
    state = properties.take("State", "ENABLED")
    properties.ignore("Description", "RoleArn")
    properties.done()
    if unknown := sorted(set(_operators(pattern)) - PATTERN_OPERATORS):
        raise TemplateError(f"{properties} matches by {', '.join(unknown)}: not emulated")
    events = environment.client("events")
    arn = events.put_rule(
        Name=name, EventBusName=bus, EventPattern=json.dumps(pattern), State=state
    )["RuleArn"]
    if targets:
        events.put_targets(
            Rule=name,
            EventBusName=bus,
            Targets=[_target(properties, each) for each in targets],
        )
    return Resource(name if bus == "default" else f"{bus}|{name}", {"Arn": arn})


def _operators(pattern: Any) -> Iterator[str]:
    """The operators of an event pattern: keys of objects inside the lists of values."""
    if isinstance(pattern, dict):
        for key, value in pattern.items():
            if key == "$or":
                for alternative in value:
                    yield from _operators(alternative)
            elif isinstance(value, list):
                yield from (name for each in value if isinstance(each, dict) for name in each)
            else:
                yield from _operators(value)


def _target(properties: Properties, target: Mapping[str, Any]) -> dict[str, Any]:
    """A target of a rule, for the router: queues, functions and state machines.

    RetryPolicy has no meaning here: a delivery inside one process succeeds or never will.
    """
    if unknown := target.keys() - TARGET_FIELDS - {"RetryPolicy", "RoleArn"}:
        raise TemplateError(f"{properties} has a target with {', '.join(unknown)}: not emulated")
    service = target["Arn"].split(":")[2]
    if service not in ("sqs", "lambda", "states"):
        raise TemplateError(f"{properties} has a target of service {service}: not emulated")
    return {key: value for key, value in target.items() if key in TARGET_FIELDS}


CREATORS: Mapping[str, Creator] = {
    "AWS::SQS::Queue": _queue,
    "AWS::Events::EventBus": _event_bus,
    "AWS::Events::Rule": _rule,
}
