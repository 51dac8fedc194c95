from __future__ import annotations

import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from infra.local.patches.stepfunctions import Watch


def test_a_task_is_retried_when_the_class_of_its_error_is_listed(execute, tmp_path):
    ended = execute({"do": "flaky", "counter": str(tmp_path / "attempts"), "failures": 2})
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"]) == {"attempts": 3}


def test_a_task_is_caught_when_the_class_of_its_error_is_listed(execute):
    ended = execute({"do": "raise", "error": "CorruptInput", "message": "chunk 3"})
    output = json.loads(ended["output"])
    assert output["error"] == "CorruptInput"
    assert output["cause"]["errorMessage"] == "chunk 3"


def test_the_start_of_an_execution_is_a_timestamp_in_the_context(execute):
    ended = execute({"do": "raise", "error": "CorruptInput", "message": ""})
    started = json.loads(ended["output"])["started"]
    assert started.endswith("Z")
    assert datetime.fromisoformat(started).tzinfo is not None


def test_a_worker_that_dies_can_be_caught(execute):
    ended = execute({"do": "kill"})
    assert json.loads(ended["output"])["error"] == "Runtime.ExitError"


def test_an_error_that_nobody_catches_fails_the_execution_and_the_stack_says_so(execute, stack):
    ended = execute({"do": "no such action"})
    assert (ended["status"], ended["error"]) == ("FAILED", "KeyError")
    assert [each.error for each in stack.failures() if each.source == ended["executionArn"]] == [
        "KeyError"
    ]


def test_more_than_256_kib_between_states_fails_the_execution(execute):
    ended = execute({"do": "large", "characters": 256 * 1024})
    assert (ended["status"], ended["error"]) == ("FAILED", "States.DataLimitExceeded")


def test_more_than_256_kib_of_input_is_refused(stack):
    with pytest.raises(ClientError, match="InvalidExecutionInput"):
        stack.client("stepfunctions").start_execution(
            stateMachineArn=stack.resources["Machine"], input=json.dumps("x" * 256 * 1024)
        )


def test_executions_without_a_name_each_get_one(execute):
    first, second = execute({"do": "echo"}), execute({"do": "echo"})
    assert first["name"] != second["name"]
    assert first["executionArn"] != second["executionArn"]


def test_of_many_starts_with_one_name_one_execution_comes(stack, burst, raw_request):
    for _ in range(4):
        name = str(uuid.uuid4())
        starts = [
            {
                "stateMachineArn": stack.resources["Machine"],
                "name": name,
                # moto parses the input between looking for the name and taking it.
                "input": json.dumps({"do": "echo", "number": number, "padding": [0] * 20_000}),
            }
            for number in range(12)
        ]
        target = {
            "X-Amz-Target": "AWSStepFunctions.StartExecution",
            "Content-Type": "application/x-amz-json-1.0",
        }
        answers = burst(
            [
                raw_request("states", "POST", "/", target, json.dumps(each).encode())
                for each in starts
            ]
        )
        assert sorted(status for status, _ in answers) == [200] + [400] * 11
        assert {json.loads(body)["__type"] for status, body in answers if status == 400} == {
            "ExecutionAlreadyExists"
        }


def test_a_name_above_80_characters_is_refused(stack):
    with pytest.raises(ClientError, match="length less than or equal to 80"):
        stack.client("stepfunctions").start_execution(
            stateMachineArn=stack.resources["Machine"], name="n" * 81
        )


def test_many_executions_of_different_machines_at_once_all_end(stack, eventually):
    machines = stack.client("stepfunctions")
    jsonata = machines.create_state_machine(
        name="jsonata",
        roleArn="arn:aws:iam::123456789012:role/any",
        definition=json.dumps(
            {
                "QueryLanguage": "JSONata",
                "StartAt": "Done",
                "States": {"Done": {"Type": "Succeed"}},
            }
        ),
    )["stateMachineArn"]

    def start(number: int) -> str:
        machine = jsonata if number % 2 else stack.resources["Machine"]
        return machines.start_execution(
            stateMachineArn=machine, input=json.dumps({"do": "echo", "n": number})
        )["executionArn"]

    with ThreadPoolExecutor(8) as pool:
        arns = list(pool.map(start, range(24)))

    def statuses() -> set[str]:
        return {machines.describe_execution(executionArn=arn)["status"] for arn in arns}

    assert eventually(lambda: "RUNNING" not in statuses() and statuses()) == {"SUCCEEDED"}


def execution(status: str = "RUNNING", *, seconds: float = 0) -> SimpleNamespace:
    started = datetime.now(UTC) - timedelta(seconds=seconds)
    return SimpleNamespace(exec_arn="arn", exec_status=status, start_date=started)


def test_an_execution_whose_interpreter_died_is_marked_as_failed():
    watch, dead, done = Watch(), execution(), execution("SUCCEEDED")
    for each in (dead, done):
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()
        watch.add(thread, each)
    assert watch.fail_the_dead(60) == ["arn"]
    assert (dead.exec_status, dead.error) == ("FAILED", "States.Runtime")
    assert "interpreter died" in dead.cause
    assert done.exec_status == "SUCCEEDED"
    assert watch.fail_the_dead(60) == []


def test_an_execution_older_than_the_limit_is_marked_as_failed():
    watch, old, young = Watch(), execution(seconds=61), execution(seconds=59)
    release = threading.Event()
    threads = [threading.Thread(target=release.wait) for _ in range(2)]
    for thread, each in zip(threads, (old, young), strict=True):
        thread.start()
        watch.add(thread, each)
    assert watch.fail_the_dead(60) == ["arn"]
    release.set()
    assert (old.exec_status, young.exec_status) == ("FAILED", "RUNNING")
    assert "ran for longer" in old.cause
