"""Functions, what feeds them, and state machines."""

from __future__ import annotations

from collections.abc import Mapping

from infra.local.intrinsics import TemplateError
from infra.local.resources.resource import (
    Creator,
    Environment,
    Properties,
    Resource,
    physical_name,
)


def _function(environment: Environment, properties: Properties) -> Resource:
    name = properties.take("FunctionName", physical_name(environment, properties.logical_id, 64))
    if properties.take("PackageType") != "Image":
        raise TemplateError(f"{properties} is not made from an image: only these run here")
    command = properties.require("ImageConfig").get("Command")
    if not command or len(command) != 1:
        raise TemplateError(f"{properties} needs its handler, alone, in ImageConfig.Command")
    request = properties.among(
        "Code", "Role", "Description", "Environment", "Timeout", "MemorySize", "EphemeralStorage"
    )
    reserved = properties.take("ReservedConcurrentExecutions")
    properties.ignore("Architectures", "LoggingConfig", "TracingConfig", "Tags")
    properties.done()
    functions = environment.client("lambda")
    arn = functions.create_function(
        FunctionName=name, PackageType="Image", ImageConfig={"Command": command}, **request
    )["FunctionArn"]
    if reserved is not None:
        functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
    return Resource(name, {"Arn": arn})


def _event_source_mapping(environment: Environment, properties: Properties) -> Resource:
    request = properties.among(
        "BatchSize", "Enabled", "FunctionResponseTypes", "ScalingConfig", "EventSourceArn"
    )
    if request["EventSourceArn"].split(":")[2] != "sqs":
        raise TemplateError(f"{properties} reads {request['EventSourceArn']}: only SQS is emulated")
    function = properties.require("FunctionName")
    properties.ignore("Tags")
    properties.done()
    mapping = environment.client("lambda").create_event_source_mapping(
        FunctionName=function, **request
    )
    return Resource(mapping["UUID"], {"Id": mapping["UUID"]})


def _state_machine(environment: Environment, properties: Properties) -> Resource:
    name = properties.take(
        "StateMachineName", physical_name(environment, properties.logical_id, 80)
    )
    definition: str = properties.require("DefinitionString")
    for key, value in properties.take("DefinitionSubstitutions", {}).items():
        definition = definition.replace("${" + key + "}", str(value))
    role = properties.require("RoleArn")
    properties.only("StateMachineType", "STANDARD")
    properties.ignore("LoggingConfiguration", "TracingConfiguration", "Tags")
    properties.done()
    arn = environment.client("stepfunctions").create_state_machine(
        name=name, definition=definition, roleArn=role
    )["stateMachineArn"]
    return Resource(arn, {"Arn": arn, "Name": name})


CREATORS: Mapping[str, Creator] = {
    "AWS::Lambda::Function": _function,
    "AWS::Lambda::EventSourceMapping": _event_source_mapping,
    "AWS::StepFunctions::StateMachine": _state_machine,
}
