"""The functions as Lambda runs them: their environment, an account of AWS, a context."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import boto3
import pytest
from aws_lambda_powertools.utilities.parameters import clear_caches
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions import announce, plan, remux, runtime, starter, webhook, wiring
from tests.aws import BUS, TABLE, account, create_table, subscribe
from tests.functions.api_client import API_KEY, API_SECRET, Client

MODULES: tuple[ModuleType, ...] = (runtime, announce, plan, remux, starter, webhook, wiring)
STATE_MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:recording"
SAMPLES = Path(__file__).parents[2] / "events" / "samples"


class Account(NamedTuple):
    """What the functions find in AWS."""

    subscriber_url: str
    secret_arn: str

    def events(self) -> list[dict[str, Any]]:
        """The details of all events on the bus since this was last asked."""
        sqs, details = boto3.client("sqs"), []
        while messages := sqs.receive_message(
            QueueUrl=self.subscriber_url, MaxNumberOfMessages=10
        ).get("Messages"):
            for message in messages:
                details.append(json.loads(message["Body"])["detail"])
                sqs.delete_message(
                    QueueUrl=self.subscriber_url, ReceiptHandle=message["ReceiptHandle"]
                )
        return details


@pytest.fixture
def aws() -> Iterator[Account]:
    """An account with table, bus and secret, seen by functions that have just been loaded."""
    with installed() as found:
        yield found


@contextmanager
def installed() -> Iterator[Account]:
    """The same for as long as it is entered."""
    with account():
        forget()
        create_table()
        for bucket in ("raw", "recordings"):
            boto3.client("s3").create_bucket(Bucket=bucket)
        secret = json.dumps({"api_key": API_KEY, "api_secret": API_SECRET})
        arn = boto3.client("secretsmanager").create_secret(Name="api", SecretString=secret)["ARN"]
        yield Account(subscribe(BUS), arn)
    forget()


def forget() -> None:
    """Bring the functions back to how they are when loaded: nothing read, no client made."""
    clear_caches()
    for module in MODULES:
        for value in vars(module).values():
            if callable(clear := getattr(value, "cache_clear", None)):
                clear()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets the variables of a function, by their names in lower case."""

    def set_all(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name.upper(), value)

    return set_all


@pytest.fixture
def context() -> LambdaContext:
    """What Lambda says of an invocation."""
    return invocation()


def invocation() -> LambdaContext:
    """The same, for whoever is no test."""
    made = LambdaContext()
    made._function_name = "function"
    made._memory_limit_in_mb = 512
    made._invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:function"
    made._aws_request_id = "request-1"
    return made


@pytest.fixture
def sample() -> Callable[[str], dict[str, Any]]:
    """A sample of `events/samples` by name."""

    def load(name: str) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))
        return loaded

    return load


API_ENVIRONMENT = {
    "table": TABLE,
    "event_bus": BUS,
    "raw_store": "s3://raw",
    "recordings_store": "s3://recordings",
    "file_retention_days": "14",
    "state_machine_arn": STATE_MACHINE,
    "agent_queue_prefix": "isotrack-agent-",
    "default_mode": "available",
    "default_output_types": "audio_video,screenshare_audio_video",
}
"""Of the HTTP API, but for `api_secret_arn`."""


@pytest.fixture
def client(aws: Account, environment: Callable[..., None], context: LambdaContext) -> Client:
    """A client of the HTTP API of an installation of its own."""
    environment(**API_ENVIRONMENT, api_secret_arn=aws.secret_arn)
    return Client(context)
