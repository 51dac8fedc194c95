"""Puts events into the subscriber's queue, in the form that client libraries take."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.batch import process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic_settings import BaseSettings

from functions import runtime
from functions.runtime import logger
from isotrack.adapters.sqs import send
from isotrack.contract.events import in_nanoseconds
from isotrack.recording.messages import pack


class Settings(BaseSettings):
    """The environment of this function."""

    subscriber_queue_url: str


def relay(record: SQSRecord) -> None:
    """Send one event on; raises Transient when it comes again."""
    settings = runtime.settings(Settings)
    send(runtime.sqs(), settings.subscriber_queue_url, pack(in_nanoseconds(record.body)))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Take a batch of events out of SQS."""
    return process_partial_response(event, relay, runtime.sqs_batch(), context)
