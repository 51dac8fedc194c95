"""Sends events to the users who watch their calls."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.batch import process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic_settings import BaseSettings

from functions import runtime
from functions.runtime import logger
from isotrack.adapters.push_queue import CONNECTIONS, SqsPushQueue, connection_ids
from isotrack.control.push import push


class Settings(BaseSettings):
    """The environment of this function."""

    table: str
    push_queue_url: str
    websocket_url: str


def push_one(record: SQSRecord) -> None:
    """Send one event. Raises Transient when it comes again, CorruptInput when it never can go."""
    settings = runtime.settings(Settings)
    attribute = record.message_attributes[CONNECTIONS]
    reached = push(
        record.body,
        to=connection_ids(attribute.string_value if attribute is not None else None),
        audience=runtime.audience(settings.table),
        connections=runtime.connections(settings.websocket_url),
        queue=SqsPushQueue(settings.push_queue_url, runtime.sqs()),
    )
    logger.info("pushed", reached=reached)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Take a batch of events out of SQS."""
    return process_partial_response(event, push_one, runtime.sqs_batch(), context)
