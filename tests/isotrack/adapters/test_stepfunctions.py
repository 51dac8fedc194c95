from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from isotrack.adapters.stepfunctions import StepFunctionsExecutions
from isotrack.recording.errors import Transient
from tests.aws import account

ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:recordings"


def start(*, code: str, status: int = 400) -> bool:
    with account():
        client = boto3.client("stepfunctions")
    with Stubber(client) as stub:
        stub.add_client_error("start_execution", code, http_status_code=status)
        return StepFunctionsExecutions(ARN, client).start("name", "{}")


def test_an_execution_is_started_with_its_name_and_input_as_given() -> None:
    with account():
        client = boto3.client("stepfunctions")
        machine = client.create_state_machine(
            name="recordings",
            definition='{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}',
            roleArn="arn:aws:iam::123456789012:role/r",
        )["stateMachineArn"]
        executions = StepFunctionsExecutions(machine, client)
        assert executions.start("one", '{"a":1}') is True
        executions.start("one", '{"a":1}')  # still running: Step Functions gives the same run
        (listed,) = client.list_executions(stateMachineArn=machine)["executions"]
        described = client.describe_execution(executionArn=listed["executionArn"])
        assert (described["name"], described["input"]) == ("one", '{"a":1}')


def test_an_execution_that_has_ended_is_not_started_again() -> None:
    assert start(code="ExecutionAlreadyExists") is False


def test_throttling_passes() -> None:
    with pytest.raises(Transient, match=r"start execution name of arn:"):
        start(code="ThrottlingException")


def test_a_state_machine_that_is_not_there_is_no_passing_failure() -> None:
    with pytest.raises(ClientError, match="StateMachineDoesNotExist"):
        start(code="StateMachineDoesNotExist")
