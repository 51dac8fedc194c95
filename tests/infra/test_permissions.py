"""Nothing emulates IAM on one machine: here stands what each role may do, and no more."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import boto3
import pytest

from tests.infra.conftest import ROOT
from tests.infra.reading import of_type, permissions, properties, statements, text

READ_RAW = {
    "${RawBucket.Arn}/raw/*": {"s3:GetObject"},
    "${RawBucket.Arn}": {"s3:ListBucket"},
}
ITEMS = {
    "${Table.Arn}": {
        "dynamodb:GetItem",
        "dynamodb:BatchGetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:Query",
    },
    "${Table.Arn}/index/FoundBy": {"dynamodb:Query"},
}
PUT_EVENTS = {"${EventBus.Arn}": {"events:PutEvents"}}
READ_SECRET = {"${ApiSecret}": {"secretsmanager:GetSecretValue"}}
CONSUME = {
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
}
MANAGE_CONNECTIONS = {
    "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:"
    "${WebSocketApi}/video/*/@connections/*": {"execute-api:ManageConnections"}
}
AGENT_QUEUES = "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:isotrack-agent-*"

ROLES: dict[str, dict[str, set[str]]] = {
    "Starter": {
        "${ManifestQueue.Arn}": CONSUME,
        "${StateMachine}": {"states:StartExecution"},
    },
    "Plan": READ_RAW | ITEMS,
    "Remux": READ_RAW
    | {
        "${RecordingsBucket.Arn}/recordings/*": {
            "s3:PutObject",
            "s3:AbortMultipartUpload",
            "s3:GetObject",
        }
    },
    "Announce": READ_RAW
    | ITEMS
    | PUT_EVENTS
    | {"${RecordingsBucket.Arn}/recordings/*": {"s3:GetObject"}},
    "Complete": READ_RAW
    | ITEMS
    | PUT_EVENTS
    | {
        "${RecordingsBucket.Arn}/recordings/*": {
            "s3:PutObject",
            "s3:AbortMultipartUpload",
            "s3:GetObject",
        }
    },
    "Websocket": ITEMS | READ_SECRET | MANAGE_CONNECTIONS,
    "Push": ITEMS | MANAGE_CONNECTIONS | {"${PushQueue.Arn}": CONSUME | {"sqs:SendMessage"}},
    "Webhook": READ_SECRET | {"${WebhookQueue.Arn}": CONSUME},
    "Relay": {
        "${RelayQueue.Arn}": CONSUME,
        "${SubscriberQueue.Arn}": {
            "sqs:SendMessage",
            "sqs:GetQueueAttributes",
            "sqs:GetQueueUrl",
        },
    },
    "Api": ITEMS
    | PUT_EVENTS
    | READ_SECRET
    | READ_RAW
    | {
        "${RecordingsBucket.Arn}/recordings/*": {
            "s3:PutObject",
            "s3:AbortMultipartUpload",
            "s3:GetObject",
            "s3:DeleteObject",
        },
        "${StateMachine}": {"states:StartExecution"},
        AGENT_QUEUES: {"sqs:CreateQueue", "sqs:GetQueueUrl", "sqs:SendMessage"},
    },
}


def _telemetry(name: str) -> dict[str, set[str]]:
    return {
        f"${{{name}Logs.Arn}}": {"logs:CreateLogStream", "logs:PutLogEvents"},
        "*": {"xray:PutTraceSegments", "xray:PutTelemetryRecords"},
    }


@pytest.mark.parametrize("name", ROLES)
def test_a_function_may_do_this_and_nothing_else(template: Mapping[str, Any], name: str) -> None:
    assert properties(template, f"{name}Function")["Role"] == {"Fn::GetAtt": [f"{name}Role", "Arn"]}
    assert permissions(template, f"{name}Role") == ROLES[name] | _telemetry(name)


def test_the_state_machine_may_invoke_its_four_functions(template: Mapping[str, Any]) -> None:
    allowed = permissions(template, "StateMachineRole")
    assert {
        resource.removesuffix(":*")
        for resource, actions in allowed.items()
        if "lambda:InvokeFunction" in actions
    } == {f"${{{name}Function.Arn}}" for name in ("Plan", "Remux", "Announce", "Complete")}
    assert {action.split(":")[0] for action in allowed["*"]} == {"logs", "xray"}


def test_an_agent_may_add_chunks_and_hear_of_changes(template: Mapping[str, Any]) -> None:
    document = properties(template, "AgentPolicy")["PolicyDocument"]
    allowed = {
        next(iter(statement.resources)): statement.actions for statement in statements(document)
    }
    assert allowed == {
        "${RawBucket.Arn}/raw/*": {"s3:PutObject", "s3:GetObject"},
        AGENT_QUEUES: {"sqs:ReceiveMessage", "sqs:DeleteMessage"},
    }


def test_no_policy_allows_an_action_by_wildcard(template: Mapping[str, Any]) -> None:
    for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        for name, policy in of_type(template, kind).items():
            for statement in statements(policy["PolicyDocument"]):
                assert not any("*" in action for action in statement.actions), name


def test_no_role_has_a_policy_of_aws_or_trusts_more_than_one_of_its_services(
    template: Mapping[str, Any],
) -> None:
    for name, role in of_type(template, "AWS::IAM::Role").items():
        assert "ManagedPolicyArns" not in role, name
        [trust] = statements(role["AssumeRolePolicyDocument"])
        assert set(trust.principal) == {"Service"}, name
        assert text(trust.principal["Service"]) in (
            "apigateway.amazonaws.com",
            "lambda.amazonaws.com",
            "states.amazonaws.com",
        )


def test_the_table_allows_the_calls_that_its_adapter_makes_and_no_others() -> None:
    client = boto3.client("dynamodb", region_name="us-east-1")
    sources = [path.read_text() for path in (ROOT / "isotrack/adapters").glob("dynamodb*.py")]
    methods = set(re.findall(r"\b_?client\.(\w+)\(", "".join(sources)))
    made = {f"dynamodb:{client.meta.method_to_api_mapping[method]}" for method in methods}
    assert made == ITEMS["${Table.Arn}"]
