"""One running stack for all tests of the local stack, made of a small template."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import pytest

from infra.local.stack import LocalStack

HERE = Path(__file__).resolve().parent
PATIENCE_SECONDS = 30.0

T = TypeVar("T")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    template = HERE / "template_for_tests.json"
    folder = tmp_path_factory.mktemp("stack")
    with pytest.MonkeyPatch.context() as patch, ExitStack() as running:
        path = [str(HERE / "hostile_threads"), os.environ.get("PYTHONPATH", "")]
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, path)))
        stack = running.enter_context(LocalStack(template, folder=folder, python_path=[HERE]))
        patch.undo()
        yield stack


class RawRequest(NamedTuple):
    """A request of which only the parts matter that moto reads."""

    service: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def encode(self) -> bytes:
        scope = f"Credential=local/20250101/us-east-1/{self.service}/aws4_request"
        headers = {
            "Host": "localhost",
            "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0",
            "Content-Length": str(len(self.body)),
            **self.headers,
        }
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


@pytest.fixture
def burst(stack: LocalStack) -> Callable[[list[RawRequest]], list[tuple[int, bytes]]]:
    """Send requests at the same moment, which clients that prepare each of them cannot."""
    url = urlsplit(stack.endpoint)

    def send(requests: list[RawRequest]) -> list[tuple[int, bytes]]:
        with ExitStack() as opened:
            connections = [
                opened.enter_context(closing(socket.create_connection((url.hostname, url.port))))
                for _ in requests
            ]
            encoded = [request.encode() for request in requests]
            for connection, each in zip(connections, encoded, strict=True):
                connection.sendall(each[:-1])
            time.sleep(0.3)  # now all of them are being read, and wait for their last byte
            for connection, each in zip(connections, encoded, strict=True):
                connection.sendall(each[-1:])
            answers = []
            for connection in connections:
                with closing(HTTPResponse(connection)) as response:
                    response.begin()
                    answers.append((response.status, response.read()))
            return answers

    return send


@pytest.fixture
def raw_request() -> type[RawRequest]:
    return RawRequest


@pytest.fixture
def eventually() -> Callable[[Callable[[], T]], T]:
    """Ask until the answer is true, and give it back; fail after 30 s."""

    def ask(question: Callable[[], T]) -> T:
        end = time.monotonic() + PATIENCE_SECONDS
        while not (answer := question()):
            assert time.monotonic() < end, "it never happened"
            time.sleep(0.05)
        return answer

    return ask


@pytest.fixture
def act(stack: LocalStack) -> Callable[..., tuple[Any, str | None]]:
    """Invoke a function by its logical id: what it answers, and the FunctionError."""
    functions = stack.client("lambda")

    def invoke(event: dict[str, Any], function: str = "Act") -> tuple[Any, str | None]:
        answer = functions.invoke(
            FunctionName=stack.resources[function], Payload=json.dumps(event).encode()
        )
        return json.loads(answer["Payload"].read()), answer.get("FunctionError")

    return invoke


@pytest.fixture
def execute(stack: LocalStack, eventually: Any) -> Callable[..., dict[str, Any]]:
    """Run the state machine to its end, and describe the execution."""
    machines = stack.client("stepfunctions")

    def run(event: dict[str, Any]) -> dict[str, Any]:
        arn = machines.start_execution(
            stateMachineArn=stack.resources["Machine"], input=json.dumps(event)
        )["executionArn"]

        def ended() -> dict[str, Any] | None:
            described: dict[str, Any] = machines.describe_execution(executionArn=arn)
            return described if described["status"] != "RUNNING" else None

        return eventually(ended)

    return run


@pytest.fixture
def drain(stack: LocalStack) -> Callable[[str], list[dict[str, Any]]]:
    """Receive and delete what is in a queue, by its logical id."""
    sqs = stack.client("sqs")

    def receive(queue: str) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = sqs.receive_message(
            QueueUrl=stack.resources[queue],
            MaxNumberOfMessages=10,
            WaitTimeSeconds=1,
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        for message in messages:
            sqs.delete_message(
                QueueUrl=stack.resources[queue], ReceiptHandle=message["ReceiptHandle"]
            )
        return messages

    return receive
