"""What the functions share: settings from the environment, and adapters, made on first use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.parameters import get_secret
from botocore.config import Config
from pydantic import BaseModel, BeforeValidator, StringConstraints
from pydantic_settings import BaseSettings, NoDecode

from isotrack.adapters.dynamodb import DynamoItems
from isotrack.adapters.dynamodb_agents import DynamoAgentTable
from isotrack.adapters.dynamodb_app import DynamoAppTable
from isotrack.adapters.dynamodb_call_types import DynamoCallTypeTable
from isotrack.adapters.dynamodb_calls import DynamoCallTable
from isotrack.adapters.dynamodb_connections import DynamoConnectionTable
from isotrack.adapters.dynamodb_members import DynamoMemberTable
from isotrack.adapters.dynamodb_outcomes import DynamoOutcomeTable, DynamoRecordingTable
from isotrack.adapters.dynamodb_progress import DynamoProgressTable
from isotrack.adapters.dynamodb_users import DynamoUserTable
from isotrack.adapters.eventbridge import EventBridgeBus
from isotrack.adapters.remembered import RememberedAppTable
from isotrack.adapters.sqs import SqsAgentQueues
from isotrack.adapters.stores import open_store
from isotrack.adapters.websocket import ApiGatewayConnections, management_url
from isotrack.contract.recording_settings import IndividualRecordingSettingsResponse
from isotrack.contract.settings import DEFAULT_SETTINGS
from isotrack.control.archive import Archive
from isotrack.control.audience import Audience
from isotrack.control.push import SENDERS
from isotrack.control.world import World
from isotrack.pipeline.ports import ObjectStore
from isotrack.recording.settings import Mode, OutputTypes
from isotrack.recording.validation import stored

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

logger = Logger(service="isotrack")

SECRET_SECONDS = 300
"""How long an API secret is kept before it is read again, so that it can be rotated."""
REVOCATION_SECONDS = 10
"""How long user tokens may still be taken elsewhere after all of them were revoked."""
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
def audience(table: str) -> Audience:
    """The tables that say who may hear what."""
    rows = items(table)
    return Audience(
        calls=DynamoCallTable(rows),
        members=DynamoMemberTable(rows),
        users=DynamoUserTable(rows),
        call_types=DynamoCallTypeTable(rows),
        connections=DynamoConnectionTable(rows),
        app=RememberedAppTable(DynamoAppTable(rows), REVOCATION_SECONDS),
    )


@cache
def items(table: str) -> DynamoItems:
    """The items of a table."""
    return DynamoItems(table, dynamodb())


@cache
def world(
    table: str, event_bus: str, agent_queue_prefix: str, mode: Mode, output_types: OutputTypes
) -> World:
    """What the verbs of the control plane need.

    Args:
        table: name of the table.
        event_bus: name of the bus.
        agent_queue_prefix: what the names of agents' queues begin with.
        mode: of individual recording, where neither a call nor its type says.
        output_types: what is recorded then.
    """
    rows = items(table)
    recording = IndividualRecordingSettingsResponse(mode=mode, output_types=output_types)
    return World(
        **audience(table)._asdict(),
        agents=DynamoAgentTable(rows),
        queues=SqsAgentQueues(agent_queue_prefix, sqs()),
        bus=bus(event_bus),
        default=DEFAULT_SETTINGS.model_copy(update={"individual_recording": recording}),
    )


@cache
def archive(
    table: str, event_bus: str, raw_store: str, recordings_store: str, retention_days: int
) -> Archive:
    """What came of recordings.

    Args:
        table: name of the table.
        event_bus: name of the bus.
        raw_store: url of the store of what was captured.
        recordings_store: url of the store of what was made of it.
        retention_days: how long that store keeps files.
    """
    return Archive(
        calls=DynamoCallTable(items(table)),
        outcomes=outcomes(table, retention_days),
        recordings=DynamoRecordingTable(items(table)),
        progress=progress(table),
        raw=store(raw_store),
        files=store(recordings_store),
        bus=bus(event_bus),
    )


@cache
def outcomes(table: str, retention_days: int) -> DynamoOutcomeTable:
    """The outcomes of a table, which go with the files."""
    return DynamoOutcomeTable(items(table), lasts=timedelta(days=retention_days))


@cache
def recordings(table: str) -> DynamoRecordingTable:
    """The recordings of a table."""
    return DynamoRecordingTable(items(table))


@cache
def progress(table: str) -> DynamoProgressTable:
    """How far the recordings of a table are."""
    return DynamoProgressTable(items(table))


@cache
def connections(websocket_url: str) -> ApiGatewayConnections:
    """The connections of a stage, given where clients connect to."""
    config = _CONFIG.merge(Config(max_pool_connections=SENDERS))
    client = boto3.client(
        "apigatewaymanagementapi", endpoint_url=management_url(websocket_url), config=config
    )
    return ApiGatewayConnections(client)


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
