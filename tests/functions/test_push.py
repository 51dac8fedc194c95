from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from moto.apigatewaymanagementapi.models import apigatewaymanagementapi_backends
from moto.core import DEFAULT_ACCOUNT_ID

from functions import runtime
from functions.push import handler
from isotrack.adapters.push_queue import CONNECTIONS
from isotrack.calls.connections import Connection
from isotrack.calls.members import Member
from isotrack.calls.records import CallRecord
from isotrack.control.audience import Audience
from isotrack.recording.events import recording_started
from tests.aws import REGION, TABLE
from tests.builders import CALL, NOON
from tests.functions.conftest import Account

EVENT = recording_started(CALL.cid, "egress", NOON).model_dump_json()
PHONE, BROWSER = "L0SM9cOFvHcCIhw%3D", "vJjXQEmY9KhTrpw%3D"


@pytest.fixture
def audience(aws: Account, environment: Callable[..., None]) -> Audience:
    """A call that bob is a member of and watches, by phone and in a browser."""
    url = boto3.client("sqs").create_queue(QueueName="push")["QueueUrl"]
    websocket_url = f"wss://abcdef.execute-api.{REGION}.amazonaws.com/video"
    environment(table=TABLE, push_queue_url=url, websocket_url=websocket_url)
    audience, now = runtime.audience(TABLE), runtime.now()
    audience.calls.save(CallRecord(call=CALL, created_by_id="alice", created_at=NOON))
    audience.members.put(CALL, [Member(user_id="bob", created_at=NOON, updated_at=NOON)])
    for connection_id in (PHONE, BROWSER):
        connection = Connection(
            connection_id=connection_id.replace("%3D", "="),
            user_id="bob",
            opened_at=now,
            expires_at=now + timedelta(hours=1),
        )
        audience.connections.open(connection)
        audience.connections.watch(connection, [CALL])
    return audience


def record(body: str, number: int = 0, to: str | None = None) -> dict[str, Any]:
    """A message as SQS hands it to the function."""
    attribute = {"stringValue": to, "dataType": "String"}
    return {
        "messageId": f"message-{number}",
        "receiptHandle": f"receipt-{number}",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {} if to is None else {CONNECTIONS: attribute},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{DEFAULT_ACCOUNT_ID}:push",
        "awsRegion": REGION,
    }


def heard() -> dict[str, str]:
    """What was sent to each connection."""
    connections = apigatewaymanagementapi_backends[DEFAULT_ACCOUNT_ID][REGION].connections
    return {name: each.data.decode() for name, each in connections.items()}


def test_an_event_reaches_those_who_watch_its_call(
    audience: Audience, context: LambdaContext
) -> None:
    assert handler({"Records": [record(EVENT)]}, context) == {"batchItemFailures": []}
    assert heard() == {PHONE: EVENT, BROWSER: EVENT}


def test_an_event_that_waited_for_one_connection_reaches_that_one_only(
    audience: Audience, context: LambdaContext
) -> None:
    waited = record(EVENT, to=PHONE.replace("%3D", "="))
    assert handler({"Records": [waited]}, context) == {"batchItemFailures": []}
    assert heard() == {PHONE: EVENT}


def test_what_is_no_event_fails_alone(audience: Audience, context: LambdaContext) -> None:
    batch = {"Records": [record("{}", 1), record(EVENT, 2)]}
    assert handler(batch, context) == {"batchItemFailures": [{"itemIdentifier": "message-1"}]}
    assert heard() == {PHONE: EVENT, BROWSER: EVENT}
