from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.starter import handler
from tests.builders import MANIFEST_KEY
from tests.functions.conftest import Account

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

Sample = Callable[[str], dict[str, Any]]


class Machine:
    """A state machine in moto."""

    def __init__(self) -> None:
        self.client: SFNClient = boto3.client("stepfunctions")
        self.arn = self.client.create_state_machine(
            name="recordings",
            definition='{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}',
            roleArn="arn:aws:iam::123456789012:role/r",
        )["stateMachineArn"]

    @property
    def inputs(self) -> list[str]:
        listed = self.client.list_executions(stateMachineArn=self.arn)["executions"]
        arns = [execution["executionArn"] for execution in listed]
        return [self.client.describe_execution(executionArn=arn)["input"] for arn in arns]


@pytest.fixture
def machine(aws: Account, environment: Callable[..., None]) -> Machine:
    made = Machine()
    environment(state_machine_arn=made.arn)
    return made


def test_a_manifest_starts_an_execution_and_a_test_event_none(
    machine: Machine, sample: Sample, context: LambdaContext
) -> None:
    assert handler(sample("starter"), context) == {"batchItemFailures": []}
    assert machine.inputs == [f'{{"manifest_key":"{MANIFEST_KEY}","revision":1}}']


def test_a_notification_delivered_twice_starts_one_execution(
    machine: Machine, sample: Sample, context: LambdaContext
) -> None:
    for _ in range(2):
        assert handler(sample("starter"), context) == {"batchItemFailures": []}
    assert len(machine.inputs) == 1


def test_a_message_that_is_no_notification_fails_alone(
    machine: Machine, sample: Sample, context: LambdaContext
) -> None:
    event = sample("starter")
    event["Records"][1]["body"] = "not JSON"
    failed = {"itemIdentifier": event["Records"][1]["messageId"]}
    assert handler(event, context) == {"batchItemFailures": [failed]}
    assert len(machine.inputs) == 1


def test_a_batch_in_which_all_fail_is_all_given_back(
    machine: Machine, sample: Sample, context: LambdaContext
) -> None:
    event = sample("starter")
    foreign = {"Records": [{"s3": {"object": {"key": "raw/not-a-manifest"}}}]}
    for record in event["Records"]:
        record["body"] = json.dumps(foreign)
    failed = [{"itemIdentifier": record["messageId"]} for record in event["Records"]]
    assert handler(event, context) == {"batchItemFailures": failed}
    assert machine.inputs == []
