"""The intrinsic functions of CloudFormation templates, resolved against what exists so far.

Reference: AWS CloudFormation User Guide, "Intrinsic function reference". Known: Ref, Fn::GetAtt,
Fn::Sub, Fn::Join, Fn::Select, Fn::Split, Fn::If, Fn::Equals, Fn::And, Fn::Or, Fn::Not. Any other
is an error, never passed on as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

# ${Name}, ${Resource.Attribute}; ${!Literal} stands for ${Literal}
PLACEHOLDER = re.compile(r"\$\{(!?)([^}]+)\}")


class TemplateError(Exception):
    """The template says something that cannot be done here; the message names what, and where."""


class _NoValue:
    """What `AWS::NoValue` resolves to: the property that holds it is left out."""


NO_VALUE = _NoValue()


class Scope(Protocol):
    """What names in a template stand for."""

    def ref(self, name: str) -> Any:
        """The value of a parameter, a pseudo parameter or a resource's physical id."""

    def attribute(self, logical_id: str, name: str) -> str:
        """An attribute of a resource."""

    def condition(self, name: str) -> bool:
        """A condition of the template."""


def resolve(value: Any, scope: Scope) -> Any:
    """The value with every intrinsic function in it replaced by what it stands for."""
    if isinstance(value, list):
        return [item for each in value if (item := resolve(each, scope)) is not NO_VALUE]
    if not isinstance(value, dict):
        if isinstance(value, str) and "{{resolve:" in value:
            raise TemplateError(f"dynamic references are not emulated: {value}")
        return value
    if function := _function(value):
        return _call(function, value[function], scope)
    resolved = {key: resolve(each, scope) for key, each in value.items()}
    return {key: each for key, each in resolved.items() if each is not NO_VALUE}


def references(value: Any) -> Iterator[str]:
    """Every name that the value refers to: resources, parameters and pseudo parameters."""
    if isinstance(value, list):
        for each in value:
            yield from references(each)
    elif isinstance(value, dict):
        function = _function(value)
        if function == "Ref":
            yield value["Ref"]
        elif function == "Fn::GetAtt":
            yield _get_att(value[function])[0]
        elif function == "Fn::Sub":
            yield from _sub_references(value[function])
        else:
            for each in value.values():
                yield from references(each)


def _function(value: Mapping[str, Any]) -> str | None:
    """The name of the intrinsic function that an object with a single key calls, if it is one."""
    if len(value) == 1:
        (key,) = value
        if key in ("Ref", "Condition") or key.startswith("Fn::"):
            return key
    return None


def _call(function: str, argument: Any, scope: Scope) -> Any:
    if function not in _FUNCTIONS:
        raise TemplateError(f"the intrinsic function {function} is not known to the local stack")
    return _FUNCTIONS[function](argument, scope)


def _get_att(argument: Any) -> tuple[str, str]:
    if isinstance(argument, str):
        argument = argument.split(".", 1)
    if not isinstance(argument, list) or len(argument) != 2:
        raise TemplateError(f"Fn::GetAtt takes a logical id and an attribute, not {argument!r}")
    return argument[0], argument[1]


def _sub_parts(argument: Any) -> tuple[str, Mapping[str, Any]]:
    return (argument, {}) if isinstance(argument, str) else (argument[0], argument[1])


def _sub_references(argument: Any) -> Iterator[str]:
    text, variables = _sub_parts(argument)
    yield from references(dict(variables))
    for literal, name in PLACEHOLDER.findall(text):
        if not literal and name not in variables:
            yield name.split(".", 1)[0]


def _sub(argument: Any, scope: Scope) -> str:
    text, variables = _sub_parts(argument)

    def replace(match: re.Match[str]) -> str:
        literal, name = match.groups()
        if literal:
            return "${" + name + "}"
        if name in variables:
            return str(resolve(variables[name], scope))
        logical_id, _, attribute = name.partition(".")
        return str(scope.attribute(logical_id, attribute) if attribute else scope.ref(name))

    return PLACEHOLDER.sub(replace, text)


def _join(argument: Any, scope: Scope) -> str:
    delimiter, values = argument
    return str(delimiter).join(str(each) for each in resolve(values, scope))


def _select(argument: Any, scope: Scope) -> Any:
    index, values = resolve(argument[0], scope), resolve(argument[1], scope)
    if not 0 <= int(index) < len(values):
        raise TemplateError(f"Fn::Select has no item {index} in {values!r}")
    return values[int(index)]


def _split(argument: Any, scope: Scope) -> list[str]:
    delimiter, text = argument
    return str(resolve(text, scope)).split(delimiter)


def _if(argument: Any, scope: Scope) -> Any:
    name, then, otherwise = argument
    return resolve(then if scope.condition(name) else otherwise, scope)


def _equals(argument: Any, scope: Scope) -> bool:
    left, right = (resolve(each, scope) for each in argument)
    return bool(str(left) == str(right))


_FUNCTIONS: Mapping[str, Callable[[Any, Scope], Any]] = {
    "Ref": lambda argument, scope: scope.ref(argument),
    "Condition": lambda argument, scope: scope.condition(argument),
    "Fn::GetAtt": lambda argument, scope: scope.attribute(*_get_att(argument)),
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::If": _if,
    "Fn::Equals": _equals,
    "Fn::And": lambda argument, scope: all(resolve(each, scope) for each in argument),
    "Fn::Or": lambda argument, scope: any(resolve(each, scope) for each in argument),
    "Fn::Not": lambda argument, scope: not resolve(argument[0], scope),
}
