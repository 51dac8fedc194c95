"""A template becomes resources: parameters, conditions, order, creation, outputs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from infra.local.intrinsics import NO_VALUE, TemplateError, references, resolve
from infra.local.resources import CREATORS
from infra.local.resources.resource import Environment, Properties, Resource

# What a template may say beside these has a meaning that would be lost.
SECTIONS = {
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",  # CDK's check that the account is bootstrapped
}
RESOURCE_FIELDS = {
    "Condition",
    "DeletionPolicy",
    "DependsOn",
    "Metadata",
    "Properties",
    "Type",
    "UpdateReplacePolicy",
}


@dataclass(frozen=True)
class Deployment:
    """What a template has become.

    Attributes:
        resources: physical ids, by logical id.
        outputs: values of the template's outputs, by name.
    """

    resources: Mapping[str, str]
    outputs: Mapping[str, str]


@dataclass
class _Scope:
    """Names of the template, as far as they are known already."""

    environment: Environment
    parameters: Mapping[str, Any]
    conditions: Mapping[str, Any]
    resources: dict[str, Resource] = field(default_factory=dict)

    def ref(self, name: str) -> Any:
        pseudo = {
            "AWS::AccountId": self.environment.account,
            "AWS::NoValue": NO_VALUE,
            "AWS::Partition": "aws",
            "AWS::Region": self.environment.region,
            "AWS::StackName": self.environment.stack_name,
            "AWS::URLSuffix": "amazonaws.com",
        }
        if name in pseudo:
            return pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        return self._resource(name).ref

    def attribute(self, logical_id: str, name: str) -> str:
        attributes = self._resource(logical_id).attributes
        if name not in attributes:
            raise TemplateError(f"{logical_id} has no attribute {name} on the local stack")
        return attributes[name]

    def condition(self, name: str) -> bool:
        if name not in self.conditions:
            raise TemplateError(f"the template has no condition {name}")
        return bool(resolve(self.conditions[name], self))

    def _resource(self, logical_id: str) -> Resource:
        if logical_id not in self.resources:
            raise TemplateError(f"nothing in the template is called {logical_id}")
        return self.resources[logical_id]


def deploy(
    template: Mapping[str, Any], parameters: Mapping[str, str], environment: Environment
) -> Deployment:
    """Create everything that the template describes.

    Raises:
        TemplateError: the template says something that the local stack does not know.
    """
    check(template)
    scope = _Scope(
        environment,
        _parameter_values(template.get("Parameters", {}), parameters),
        template.get("Conditions", {}),
    )
    wanted = {
        logical_id: resource
        for logical_id, resource in template["Resources"].items()
        if "Condition" not in resource or scope.condition(resource["Condition"])
    }
    for logical_id in _order(wanted):
        kind = wanted[logical_id]["Type"]
        values = resolve(wanted[logical_id].get("Properties", {}), scope)
        properties = Properties(kind, logical_id, values)
        scope.resources[logical_id] = CREATORS[kind](environment, properties)
    outputs = {
        name: str(resolve(output["Value"], scope))
        for name, output in template.get("Outputs", {}).items()
        if "Condition" not in output or scope.condition(output["Condition"])
    }
    return Deployment({name: each.ref for name, each in scope.resources.items()}, outputs)


def check(template: Mapping[str, Any]) -> None:
    """Find what the local stack does not know before anything is created.

    Raises:
        TemplateError: names all of it.
    """
    if unknown := template.keys() - SECTIONS:
        raise TemplateError(f"the template has sections not emulated: {', '.join(sorted(unknown))}")
    resources = template["Resources"]
    if unknown := {each["Type"] for each in resources.values()} - CREATORS.keys():
        types = ", ".join(sorted(unknown))
        raise TemplateError(f"resource types not known to the local stack: {types}")
    for logical_id, resource in resources.items():
        if extra := resource.keys() - RESOURCE_FIELDS:
            raise TemplateError(f"{logical_id} has {', '.join(sorted(extra))}: not emulated")


def _order(resources: Mapping[str, Any]) -> list[str]:
    """The logical ids so that each comes after what it refers to or depends on."""
    graph = {}
    for logical_id, resource in resources.items():
        depends = resource.get("DependsOn", [])
        needed = {depends} if isinstance(depends, str) else set(depends)
        needed |= set(references(resource.get("Properties", {})))
        graph[logical_id] = needed & resources.keys()
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise TemplateError(
            f"resources wait for each other: {' -> '.join(error.args[1])}"
        ) from None


def _parameter_values(
    declared: Mapping[str, Any], given: Mapping[str, str]
) -> dict[str, str | list[str]]:
    if unknown := given.keys() - declared.keys():
        raise TemplateError(f"the template has no parameter {', '.join(sorted(unknown))}")
    return {name: _parameter(name, each, given.get(name)) for name, each in declared.items()}


def _parameter(name: str, declared: Mapping[str, Any], given: str | None) -> str | list[str]:
    value = declared.get("Default") if given is None else given
    if value is None:
        raise TemplateError(f"parameter {name} has no default and was not given")
    value = str(value)
    allowed = declared.get("AllowedValues")
    if allowed and value not in map(str, allowed):
        raise TemplateError(f"parameter {name} is {value!r}, not one of {', '.join(allowed)}")
    pattern = declared.get("AllowedPattern")
    if pattern and not re.fullmatch(pattern, value):
        raise TemplateError(f"parameter {name} is {value!r}, which does not match {pattern}")
    return value.split(",") if declared["Type"] == "CommaDelimitedList" else value
