"""What the functions share: settings from the environment, and adapters, made on first use."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.parameters import get_secret
from botocore.config import Config
from pydantic import BaseModel, BeforeValidator, StringConstraints
from pydantic_settings import BaseSettings, NoDecode

from isotrack.adapters.dynamodb import (
    DynamoAgentTable,
    DynamoCallTable,
    DynamoItems,
    DynamoOutcomeTable,
)
from isotrack.adapters.eventbridge import EventBridgeBus
from isotrack.adapters.stores import open_store
from isotrack.pipeline.ports import ObjectStore
from isotrack.recording.validation import stored

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

logger = Logger(service="isotrack")

SECRET_SECONDS = 300
"""How long an API secret is kept before it is read again, so that it can be rotated."""
_CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 5}, connect_timeout=3, read_timeout=10
)

S = TypeVar("S", bound=BaseSettings)


def _split(value: object) -> object:
    return [part for part in value.split(",") if part] if isinstance(value, str) else value


CommaSeparated = (NoDecode, BeforeValidator(_split))
"""Metadata of a setting whose variable lists its values with commas between."""


class ApiSecret(BaseModel):
    """What the API secret in Secrets Manager holds: signs tokens and webhooks."""

    api_key: Annotated[str, StringConstraints(min_length=1)]
    api_secret: Annotated[str, StringConstraints(min_length=32)]
    """32 bytes at least, as HS256 wants it (RFC 7518 section 3.2)."""


@cache
def settings(kind: type[S]) -> S:
    """The environment as a function declares it. Raises ValidationError, naming what is wrong."""
    return kind()


def now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


def sqs_batch() -> BatchProcessor:
    """A batch of SQS messages whose failed ones, also when all are, come again on their own."""
    return BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def api_secret(arn: str) -> ApiSecret:
    """The API key and its secret, at most some minutes old."""
    body: Any = get_secret(arn, max_age=SECRET_SECONDS)
    return stored(ApiSecret, body, f"secret {arn}")


@cache
def store(url: str) -> ObjectStore:
    """The object store at a url."""
    return open_store(url)


@cache
def calls(table: str) -> DynamoCallTable:
    """The calls of a table."""
    return DynamoCallTable(DynamoItems(table, dynamodb()))


@cache
def agents(table: str) -> DynamoAgentTable:
    """The agents of a table."""
    return DynamoAgentTable(DynamoItems(table, dynamodb()))


@cache
def outcomes(table: str) -> DynamoOutcomeTable:
    """The outcomes of a table."""
    return DynamoOutcomeTable(DynamoItems(table, dynamodb()))


@cache
def bus(name: str) -> EventBridgeBus:
    """The event bus of a name."""
    return EventBridgeBus(name, events())


@cache
def dynamodb() -> DynamoDBClient:
    """A client of DynamoDB."""
    return boto3.client("dynamodb", config=_CONFIG)


@cache
def events() -> EventBridgeClient:
    """A client of EventBridge."""
    return boto3.client("events", config=_CONFIG)


@cache
def sqs() -> SQSClient:
    """A client of SQS."""
    return boto3.client("sqs", config=_CONFIG)


@cache
def stepfunctions() -> SFNClient:
    """A client of Step Functions."""
    return boto3.client("stepfunctions", config=_CONFIG)
