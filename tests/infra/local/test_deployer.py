from __future__ import annotations

from typing import Any

import pytest

from infra.local.deployer import Deployment, deploy
from infra.local.intrinsics import TemplateError
from infra.local.resources.resource import Environment


class RecordingClient:
    """Answers every call with something of everything, and remembers the calls."""

    def __init__(self, calls: list[tuple[str, dict[str, Any]]]) -> None:
        self._calls = calls

    def __getattr__(self, operation: str) -> Any:
        def call(**arguments: Any) -> dict[str, Any]:
            self._calls.append((operation, arguments))
            name = arguments.get("QueueName", "")
            return {"QueueUrl": f"url of {name}", "RuleArn": "arn", "EventBusArn": "arn"}

        return call


@pytest.fixture
def calls() -> list[tuple[str, dict[str, Any]]]:
    return []


@pytest.fixture
def environment(calls) -> Environment:
    return Environment(
        stack_name="Stack",
        region="us-east-1",
        account="123456789012",
        client=lambda service: RecordingClient(calls),
        api_url="http://api",
        websocket_url="ws://aws",
        websocket_paths=set(),
    )


def queue(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


def test_an_unknown_resource_type_fails_before_anything_is_created(environment, calls):
    template = {"Resources": {"Queue": queue(), "Cluster": {"Type": "AWS::EKS::Cluster"}}}
    with pytest.raises(TemplateError, match="AWS::EKS::Cluster"):
        deploy(template, {}, environment)
    assert calls == []


def test_an_unknown_property_fails_and_names_the_resource(environment):
    with pytest.raises(TemplateError, match=r"AWS::SQS::Queue Queue .* FifoQueue"):
        deploy({"Resources": {"Queue": queue(FifoQueue=True)}}, {}, environment)


def test_an_unknown_section_or_attribute_of_a_resource_fails(environment):
    with pytest.raises(TemplateError, match="Transform"):
        deploy({"Transform": "AWS::Serverless-2016-10-31", "Resources": {}}, {}, environment)
    with pytest.raises(TemplateError, match="CreationPolicy"):
        deploy({"Resources": {"Queue": queue() | {"CreationPolicy": {}}}}, {}, environment)


def test_resources_are_created_after_what_they_refer_to_and_depend_on(environment, calls):
    template = {
        "Resources": {
            "First": queue(RedrivePolicy={"deadLetterTargetArn": {"Fn::GetAtt": ["Last", "Arn"]}}),
            "Last": queue(QueueName="last") | {"DependsOn": "Other"},
            "Other": queue(),
        }
    }
    deploy(template, {}, environment)
    names = [arguments["QueueName"] for _, arguments in calls]
    assert names == ["Stack-Other", "last", "Stack-First"]
    assert "sqs:us-east-1:123456789012:last" in calls[-1][1]["Attributes"]["RedrivePolicy"]


def test_resources_that_wait_for_each_other_fail(environment):
    one, two = queue() | {"DependsOn": ["Two"]}, queue() | {"DependsOn": ["One"]}
    with pytest.raises(TemplateError, match="wait for each other"):
        deploy({"Resources": {"One": one, "Two": two}}, {}, environment)


def test_outputs_and_physical_ids_are_reported(environment):
    template = {
        "Resources": {"Queue": queue()},
        "Outputs": {"Url": {"Value": {"Ref": "Queue"}}, "Api": {"Value": "x"}},
    }
    assert deploy(template, {}, environment) == Deployment(
        {"Queue": "url of Stack-Queue"}, {"Url": "url of Stack-Queue", "Api": "x"}
    )


def test_a_resource_whose_condition_is_false_is_left_out(environment):
    template = {
        "Parameters": {"Stage": {"Type": "String", "Default": "test"}},
        "Conditions": {"Live": {"Fn::Equals": [{"Ref": "Stage"}, "live"]}},
        "Resources": {"Queue": queue() | {"Condition": "Live"}, "Other": queue()},
        "Outputs": {"Url": {"Condition": "Live", "Value": {"Ref": "Queue"}}},
    }
    assert deploy(template, {}, environment).resources.keys() == {"Other"}
    live = deploy(template, {"Stage": "live"}, environment)
    assert (live.resources.keys(), live.outputs.keys()) == ({"Queue", "Other"}, {"Url"})


@pytest.mark.parametrize(
    ("declared", "given", "message"),
    [
        ({"Type": "String"}, {}, "no default"),
        ({"Type": "String", "AllowedValues": ["a", "b"]}, {"P": "c"}, "not one of a, b"),
        ({"Type": "String", "AllowedPattern": "[0-9]+"}, {"P": "1a"}, "does not match"),
        ({"Type": "String", "Default": ""}, {"Q": "x"}, "no parameter Q"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(environment, declared, given, message):
    with pytest.raises(TemplateError, match=message):
        deploy({"Parameters": {"P": declared}, "Resources": {}}, given, environment)


def test_an_event_pattern_with_an_operator_that_the_matcher_ignores_is_refused(environment):
    rule = {
        "Type": "AWS::Events::Rule",
        "Properties": {"EventPattern": {"detail": {"size": [{"bigger-than": 3}]}}},
    }
    with pytest.raises(TemplateError, match="bigger-than"):
        deploy({"Resources": {"Rule": rule}}, {}, environment)


def test_a_target_that_nothing_delivers_to_is_refused(environment):
    rule = {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "EventPattern": {"source": ["a"]},
            "Targets": [{"Id": "0", "Arn": "arn:aws:firehose:us-east-1:1:deliverystream/x"}],
        },
    }
    with pytest.raises(TemplateError, match="firehose"):
        deploy({"Resources": {"Rule": rule}}, {}, environment)
