from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from isotrack.recording import errors
from isotrack.recording.jobs import Job, Plan
from tests.infra.reading import definition, of_type, properties

TASKS = {
    "Plan": "Plan",
    "Remux": "Remux",
    "Announce": "Announce",
    "AnnounceFailure": "Announce",
    "AnnouncePlanFailure": "Announce",
    "Complete": "Complete",
}


def _states(machine: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, state in machine["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from _states(state["ItemProcessor"])


@pytest.fixture
def states(template: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return dict(_states(definition(template)))


def test_the_machine_is_a_standard_one(template: Mapping[str, Any]) -> None:
    # Only those can be redriven, run for longer than 5 minutes, and are known to run locally.
    assert properties(template, "StateMachine").get("StateMachineType", "STANDARD") == "STANDARD"


def test_these_are_all_the_tasks_and_each_invokes_its_function(
    states: dict[str, dict[str, Any]],
) -> None:
    tasks = {name: state for name, state in states.items() if state["Type"] == "Task"}
    assert {name: task["Parameters"]["FunctionName"] for name, task in tasks.items()} == {
        name: f"${{{function}Function.Arn}}" for name, function in TASKS.items()
    }
    assert all(
        task["Resource"] == "arn:${AWS::Partition}:states:::lambda:invoke"
        for task in tasks.values()
    )


@pytest.mark.parametrize("task", TASKS)
def test_a_task_is_tried_again_while_the_world_is_busy(
    states: dict[str, dict[str, Any]], task: str
) -> None:
    busy, died = states[task]["Retry"]
    assert busy == {
        "ErrorEquals": [
            errors.Transient.__name__,
            "Lambda.ServiceException",
            "Lambda.AWSLambdaException",
            "Lambda.SdkClientException",
            "Lambda.TooManyRequestsException",
        ],
        "IntervalSeconds": 2,
        "BackoffRate": 2,
        "MaxAttempts": 6,
        "MaxDelaySeconds": 60,
        "JitterStrategy": "FULL",
    }
    assert died["ErrorEquals"] == ["Sandbox.Timedout", "Lambda.Unknown", "Runtime.ExitError"]
    assert died["MaxAttempts"] == 1


@pytest.mark.parametrize("task", TASKS)
def test_a_task_is_given_up_only_after_its_function_would_be(
    template: Mapping[str, Any], states: dict[str, dict[str, Any]], task: str
) -> None:
    function = properties(template, f"{TASKS[task]}Function")
    assert states[task]["TimeoutSeconds"] == function["Timeout"] + 10


def test_an_execution_ends_within_hours_whatever_happens(template: Mapping[str, Any]) -> None:
    assert definition(template)["TimeoutSeconds"] == 4 * 3600


@pytest.mark.parametrize(
    ("task", "announcer"), [("Plan", "AnnouncePlanFailure"), ("Remux", "AnnounceFailure")]
)
def test_whatever_a_step_fails_with_is_announced(
    states: dict[str, dict[str, Any]], task: str, announcer: str
) -> None:
    assert states[task]["Catch"] == [
        {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": announcer}
    ]
    failure = states[announcer]["Parameters"]["Payload"]["failure"]
    assert failure["manifest_key.$"] == "$.manifest_key"
    assert failure["error.$"] == "$.error"
    assert failure["revision.$"] == "$.revision"


def test_a_failure_names_its_source_where_there_is_one(states: dict[str, dict[str, Any]]) -> None:
    of_remux = states["AnnounceFailure"]["Parameters"]["Payload"]["failure"]
    of_plan = states["AnnouncePlanFailure"]["Parameters"]["Payload"]["failure"]
    assert of_remux["source.$"] == "$.source"
    assert of_plan["source.$"] == "States.StringToJson('null')"


@pytest.mark.parametrize("task", ["Announce", "AnnounceFailure", "AnnouncePlanFailure", "Complete"])
def test_what_cannot_be_announced_fails_the_execution_so_that_it_is_seen(
    states: dict[str, dict[str, Any]], task: str
) -> None:
    assert "Catch" not in states[task]


def test_every_execution_ends_with_a_look_whether_the_recording_is_complete(
    states: dict[str, dict[str, Any]],
) -> None:
    for before in ("Sources", "AnnouncePlanFailure"):
        assert states[before]["Next"] == "Complete"
    assert states["Complete"]["End"] is True
    assert states["Complete"]["Parameters"]["Payload"] == {"manifest_key.$": "$.manifest_key"}
    assert "manifest_key" in Plan.model_fields


def test_each_source_is_remuxed_and_announced_on_its_own(
    states: dict[str, dict[str, Any]],
) -> None:
    sources = states["Sources"]
    assert sources["Type"] == "Map"
    assert sources["ItemProcessor"]["ProcessorConfig"] == {"Mode": "INLINE"}
    assert sources["MaxConcurrency"] == 2
    assert sources["ItemProcessor"]["StartAt"] == "Remux"
    assert states["Remux"]["Next"] == "Announce"
    assert states["Plan"]["Next"] == "Sources"


def test_what_passes_between_steps_has_the_names_of_our_models(
    states: dict[str, dict[str, Any]],
) -> None:
    assert states["Plan"]["Parameters"]["Payload"] == {
        "manifest_key.$": "$.manifest_key",
        "revision.$": "$.revision",
    }
    assert states["Plan"]["OutputPath"] == "$.Payload"
    assert states["Sources"]["ItemsPath"].removeprefix("$.") in Plan.model_fields
    # What Remux gets is one of the plan's jobs, and a failure refers to the fields of that.
    assert states["Remux"]["Parameters"]["Payload.$"] == "$"
    assert {"manifest_key", "revision", "source"} <= set(Job.model_fields)
    assert states["Remux"]["OutputPath"] == "$.Payload"
    assert states["Announce"]["Parameters"]["Payload"] == {"remuxed.$": "$"}


@pytest.mark.parametrize(
    "state", ["Sources", "Announce", "AnnounceFailure", "AnnouncePlanFailure", "Complete"]
)
def test_results_nobody_reads_do_not_add_to_the_state(
    states: dict[str, dict[str, Any]], state: str
) -> None:
    assert states[state]["ResultPath"] is None


def test_the_machine_logs_errors_and_traces(template: Mapping[str, Any]) -> None:
    machine = properties(template, "StateMachine")
    assert machine["LoggingConfiguration"]["Level"] == "ERROR"
    assert machine["LoggingConfiguration"].get("IncludeExecutionData", False) is False
    assert machine["TracingConfiguration"] == {"Enabled": True}
    assert properties(template, "StateMachineLogs")["RetentionInDays"] == 30


@pytest.mark.parametrize("metric", ["ExecutionsFailed", "ExecutionsTimedOut"])
def test_an_alarm_goes_off_when_an_execution_fails(
    template: Mapping[str, Any], metric: str
) -> None:
    alarm = of_type(template, "AWS::CloudWatch::Alarm")[metric]
    assert alarm["MetricName"] == metric
    assert alarm["Dimensions"] == [{"Name": "StateMachineArn", "Value": {"Ref": "StateMachine"}}]
    assert alarm["Threshold"] == 1
