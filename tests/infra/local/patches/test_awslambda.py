from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from botocore.exceptions import ClientError


def test_a_function_answers_with_what_its_handler_returns(act):
    assert act({"do": "echo", "text": "Grüße"}) == ({"do": "echo", "text": "Grüße"}, None)


def test_a_worker_is_used_again_while_it_is_warm(act):
    first, _ = act({"do": "pid"})
    second, _ = act({"do": "pid"})
    assert first == second != os.getpid()


def test_the_environment_of_a_function_is_that_of_the_template_and_of_lambda(act, stack):
    variables, _ = act({"do": "variables"})
    assert variables["STORE"] == f"s3://{stack.resources['Raw']}/x"
    assert variables["AWS_ENDPOINT_URL"] == stack.endpoint
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == stack.resources["Act"]
    assert variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "512"
    assert "VIRTUAL_ENV" not in variables


def test_an_exception_becomes_an_error_with_the_name_of_its_class(act):
    error, function_error = act({"do": "raise", "error": "CorruptInput", "message": "chunk 3"})
    assert function_error == "Unhandled"
    assert (error["errorType"], error["errorMessage"]) == ("CorruptInput", "chunk 3")
    assert any("handlers_for_tests.py" in line for line in error["stackTrace"])


def test_a_handler_that_cannot_be_imported_says_which_library_is_missing(act):
    error, _ = act({}, "Unimportable")
    assert error["errorType"] == "Runtime.ImportModuleError"
    assert "a_library_that_does_not_exist" in error["errorMessage"]


def test_a_function_that_takes_too_long_is_killed_with_all_it_started(act, tmp_path, eventually):
    pid_file = tmp_path / "pid"
    error, _ = act({"do": "sleep", "seconds": 600, "pid_file": str(pid_file)}, "Brief")
    assert error["errorType"] == "Sandbox.Timedout"
    assert "Task timed out after 1.00 seconds" in error["errorMessage"]
    eventually(lambda: not Path(f"/proc/{pid_file.read_text()}").exists())
    assert act({"do": "echo"}, "Brief") == ({"do": "echo"}, None)


def test_a_worker_that_exits_is_an_exit_error(act):
    error, _ = act({"do": "exit", "status": 3})
    assert error["errorType"] == "Runtime.ExitError"
    assert "exit status 3" in error["errorMessage"]


def test_a_worker_killed_in_the_middle_is_an_exit_error_and_a_failure_of_the_stack(
    stack, tmp_path, eventually
):
    functions, pid_file = stack.client("lambda"), tmp_path / "pid"
    event = {"do": "sleep", "seconds": 600, "pid_file": str(pid_file)}
    functions.invoke(
        FunctionName=stack.resources["Act"],
        InvocationType="Event",
        Payload=json.dumps(event).encode(),
    )

    def killed() -> bool:
        for failure in stack.failures():
            if failure.error == "Runtime.ExitError" and "SIGKILL" in failure.cause:
                return True
        if pid_file.exists() and pid_file.read_text():
            pid = int(pid_file.read_text())
            pid_file.unlink()  # an asynchronous invocation is tried again: kill that one too
            os.kill(pid, signal.SIGKILL)
        return False

    eventually(killed)
    assert stack.resources["Act"] in {failure.source for failure in stack.failures()}


def test_an_asynchronous_invocation_is_tried_again(stack, tmp_path, eventually):
    counter = tmp_path / "attempts"
    event = {"do": "flaky", "counter": str(counter), "failures": 2}
    answer = stack.client("lambda").invoke(
        FunctionName=stack.resources["Act"],
        InvocationType="Event",
        Payload=json.dumps(event).encode(),
    )
    assert answer["StatusCode"] == 202
    eventually(lambda: counter.exists() and len(counter.read_text()) == 3)


def test_an_event_above_6_mib_is_refused(stack):
    with pytest.raises(ClientError, match="RequestTooLargeException"):
        stack.client("lambda").invoke(
            FunctionName=stack.resources["Act"],
            Payload=json.dumps({"do": "echo", "x": "x" * (6 * 1024 * 1024 + 200)}).encode(),
        )


def test_an_event_below_6_mib_arrives(act):
    answer, _ = act({"do": "echo", "x": "x" * 5_800_000})
    assert len(answer["x"]) == 5_800_000


def test_a_result_above_6_mib_is_an_error(act):
    error, _ = act({"do": "large", "characters": 6 * 1024 * 1024 + 200})
    assert error["errorType"] == "Function.ResponseSizeTooLarge"


def test_a_function_may_be_reconfigured_while_it_is_warm(stack, act):
    act({"do": "echo"}, "Brief")
    stack.client("lambda").update_function_configuration(
        FunctionName=stack.resources["Brief"], Environment={"Variables": {"NEW": "value"}}
    )
    variables, _ = act({"do": "variables"}, "Brief")
    assert variables["NEW"] == "value"
