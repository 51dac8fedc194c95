"""An account of AWS in this process (moto), with what the control plane needs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
import pytest
from botocore.loaders import Loader, create_loader
from moto import mock_aws

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

REGION = "us-east-1"
TABLE = "isotrack"
BUS = "isotrack"


@contextmanager
def account() -> Iterator[None]:
    """An empty account, and an environment in which every client speaks to it."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
            patch.delenv(name, raising=False)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.setattr(boto3, "DEFAULT_SESSION", _session())
        # Libraries make sessions of their own.
        patch.setattr(botocore.session, "create_loader", _loader)
        yield


@cache
def _session() -> boto3.Session:
    """One for all accounts: to read the description of a service takes longer than most tests."""
    return boto3.Session()


@cache
def _loader(search_path: str | None) -> Loader:
    """Of such descriptions, one for all sessions."""
    return create_loader(search_path)


def create_table() -> DynamoDBClient:
    """The table, with the keys and the index of `infra.table`; gives a client of it."""
    client = boto3.client("dynamodb")
    client.create_table(
        TableName=TABLE,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
            {"AttributeName": "found_by", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "FoundBy",
                "KeySchema": [
                    {"AttributeName": "found_by", "KeyType": "HASH"},
                    {"AttributeName": "pk", "KeyType": "RANGE"},
                ],
                "Projection": {
                    "ProjectionType": "INCLUDE",
                    "NonKeyAttributes": ["call_id", "call_type"],
                },
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return client


def subscribe(bus: str) -> str:
    """A bus, and a queue of the details of everything put on it; gives the queue's url."""
    events, sqs = boto3.client("events"), boto3.client("sqs")
    events.create_event_bus(Name=bus)
    url = sqs.create_queue(QueueName=f"{bus}-subscriber")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    pattern = '{"source": ["isotrack"]}'
    events.put_rule(Name="all", EventBusName=bus, EventPattern=pattern)
    events.put_targets(
        Rule="all", EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn["QueueArn"]}]
    )
    return url


class Atomic:
    """A client whose calls do not overlap: DynamoDB's writes are atomic, moto's are not."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)

        def call(**request: Any) -> Any:
            with self._lock:
                return operation(**request)

        return call
