"""A bucket and a table in moto, in this process."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from isotrack.adapters.dynamodb import DynamoItems
from tests.aws import TABLE, account, create_table
from tests.tables import Tables, in_dynamodb, in_memory

BUCKET = "recordings"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield BUCKET


@pytest.fixture
def items() -> Iterator[DynamoItems]:
    with account():
        yield DynamoItems(TABLE, create_table())


@pytest.fixture(params=["memory", "dynamodb"])
def tables(request: pytest.FixtureRequest) -> Tables:
    """The twins in memory and the adapters of DynamoDB: one contract for both."""
    if request.param == "memory":
        return in_memory()
    return in_dynamodb(request.getfixturevalue("items"))
