"""Reads a template as a person does: what resources there are, and who may do what."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Template = Mapping[str, Any]


@dataclass(frozen=True)
class Statement:
    """A statement of a policy, its lists of one unwrapped, its references as `${Name}`."""

    effect: str
    actions: frozenset[str]
    resources: frozenset[str]
    principal: Any
    conditions: Mapping[str, Any]


def of_type(template: Template, kind: str) -> dict[str, Any]:
    """The properties of all resources of a type, by logical id."""
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def properties(template: Template, logical_id: str) -> dict[str, Any]:
    """The properties of one resource."""
    found: dict[str, Any] = template["Resources"][logical_id]["Properties"]
    return found


def text(value: Any) -> str:
    """A value with what is only known on deployment as `${Name}` or `${Name.Attribute}`."""
    match value:
        case {"Ref": name}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"${{{name}.{attribute}}}"
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(text, parts))
        case {"Fn::Sub": str(pattern)}:
            return pattern
        case str() | int():
            return str(value)
    raise AssertionError(f"no text: {value}")


def statements(document: Mapping[str, Any]) -> Iterator[Statement]:
    """The statements of a policy document."""
    for statement in document["Statement"]:
        yield Statement(
            effect=statement["Effect"],
            actions=frozenset(_list(statement["Action"])),
            resources=frozenset(map(text, _list(statement.get("Resource", [])))),
            principal=statement.get("Principal"),
            conditions=statement.get("Condition", {}),
        )


def resource_policy(template: Template, kind: str, field: str, name: str) -> list[Statement]:
    """The statements of the bucket or queue policy of a resource."""
    found = []
    for policy in of_type(template, kind).values():
        if {"Ref": name} in _list(policy[field]):
            found += statements(policy["PolicyDocument"])
    return found


def permissions(template: Template, role: str) -> dict[str, frozenset[str]]:
    """What a role may do: actions by resource."""
    allowed: dict[str, frozenset[str]] = {}
    for policy in of_type(template, "AWS::IAM::Policy").values():
        if {"Ref": role} not in policy["Roles"]:
            continue
        for statement in statements(policy["PolicyDocument"]):
            assert statement.effect == "Allow"
            for resource in statement.resources:
                allowed[resource] = allowed.get(resource, frozenset()) | statement.actions
    return allowed


def definition(template: Template) -> dict[str, Any]:
    """The state machine's definition in the Amazon States Language."""
    states: dict[str, Any] = json.loads(
        text(properties(template, "StateMachine")["DefinitionString"])
    )
    return states


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
