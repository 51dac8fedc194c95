"""Starts the state machine for each manifest that S3 tells of: one manifest, one execution."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.batch import process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic_settings import BaseSettings

from functions import runtime
from functions.runtime import logger
from isotrack.adapters.s3_notifications import object_keys
from isotrack.adapters.stepfunctions import StepFunctionsExecutions
from isotrack.pipeline.begin import begin

REVISION = 1


class Settings(BaseSettings):
    """The environment of this function."""

    state_machine_arn: str


def start_all(record: SQSRecord) -> None:
    """Start an execution for each manifest in one notification."""
    executions = StepFunctionsExecutions(
        runtime.settings(Settings).state_machine_arn, runtime.stepfunctions()
    )
    for key in object_keys(record.body):
        started = begin(key, REVISION, executions=executions)
        logger.info("execution started" if started else "already done", manifest_key=key)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Take a batch of S3 event notifications out of SQS."""
    return process_partial_response(event, start_all, runtime.sqs_batch(), context)
