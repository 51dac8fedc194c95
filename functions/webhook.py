"""Posts events to the webhook, and puts those it does not take off for a while."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

from aws_lambda_powertools.utilities.batch import process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field
from pydantic_settings import BaseSettings

from functions import runtime
from functions.runtime import CommaSeparated, logger
from isotrack.adapters.sqs import postpone
from isotrack.adapters.webhook import HttpEndpoint
from isotrack.contract.events import in_nanoseconds
from isotrack.pipeline.deliver import ApiKey, deliver, retry_seconds
from isotrack.recording.errors import DestinationError


class Settings(BaseSettings):
    """The environment of this function."""

    webhook_url: str
    """Empty when there is no webhook."""
    webhook_retry_seconds: Annotated[tuple[int, ...], *CommaSeparated, Field(min_length=1)]
    api_secret_arn: str
    webhook_queue_url: str


endpoint = cache(HttpEndpoint)


def post(record: SQSRecord) -> None:
    """Post one event; raises DestinationError, after a wait was set, when it is not taken."""
    settings = runtime.settings(Settings)
    if not settings.webhook_url:
        return
    attempt = int(record.attributes.approximate_receive_count)
    secret = runtime.api_secret(settings.api_secret_arn)
    key = ApiKey(secret.api_key, secret.api_secret)
    try:
        event_id = deliver(
            in_nanoseconds(record.body),
            attempt=attempt,
            key=key,
            endpoint=endpoint(settings.webhook_url),
            now=runtime.now(),
        )
    except DestinationError:
        wait = retry_seconds(attempt, settings.webhook_retry_seconds)
        postpone(runtime.sqs(), settings.webhook_queue_url, record.receipt_handle, wait)
        raise
    logger.info("delivered", event_id=event_id, attempt=attempt)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Take a batch of events out of SQS."""
    return process_partial_response(event, post, runtime.sqs_batch(), context)
