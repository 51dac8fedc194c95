"""Runs of the state machine, at most one for each name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from isotrack.adapters.aws_errors import aws_errors, error_code

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class StepFunctionsExecutions:
    """Executions of one Standard state machine."""

    def __init__(self, state_machine_arn: str, client: SFNClient) -> None:
        self._state_machine_arn = state_machine_arn
        self._client = client

    def start(self, name: str, execution_input: str) -> bool:
        """Start a run; False when one of that name has already ended.

        While it still runs, Step Functions itself takes the same name with the same input for the
        same run, and that looks like a start.
        """
        try:
            with aws_errors(f"start execution {name} of {self._state_machine_arn}"):
                self._client.start_execution(
                    stateMachineArn=self._state_machine_arn, name=name, input=execution_input
                )
        except ClientError as error:
            if error_code(error) == "ExecutionAlreadyExists":
                return False
            raise
        return True
