from __future__ import annotations

from collections.abc import Mapping

import pytest

from infra.local.intrinsics import NO_VALUE, TemplateError, references, resolve


class Names:
    """A scope of constants."""

    refs: Mapping[str, object] = {"Name": "value", "List": ["a", "b"], "AWS::NoValue": NO_VALUE}

    def ref(self, name: str) -> object:
        return self.refs[name]

    def attribute(self, logical_id: str, name: str) -> str:
        return f"{logical_id}/{name}"

    def condition(self, name: str) -> bool:
        return name == "Yes"


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        ({"Ref": "Name"}, "value"),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, "Queue/Arn"),
        ({"Fn::GetAtt": "Queue.Arn"}, "Queue/Arn"),
        ({"Fn::Sub": "a ${Name} ${Queue.Arn} ${!Name}"}, "a value Queue/Arn ${Name}"),
        ({"Fn::Sub": ["${x}-${Name}", {"x": {"Ref": "Name"}}]}, "value-value"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Name"}]]}, "a-value"),
        ({"Fn::Join": [",", {"Ref": "List"}]}, "a,b"),
        ({"Fn::Select": [1, {"Fn::Split": ["/", {"Fn::GetAtt": ["Q", "Arn"]}]}]}, "Arn"),
        ({"Fn::If": ["Yes", "then", "else"]}, "then"),
        ({"Fn::If": ["No", "then", "else"]}, "else"),
        ({"Fn::Equals": [{"Ref": "Name"}, "value"]}, True),
        ({"Fn::And": [{"Condition": "Yes"}, {"Condition": "No"}]}, False),
        ({"Fn::Or": [{"Condition": "Yes"}, {"Condition": "No"}]}, True),
        ({"Fn::Not": [{"Condition": "No"}]}, True),
        ({"Plain": [1, {"Ref": "Name"}], "n": None}, {"Plain": [1, "value"], "n": None}),
        ({"Gone": {"Ref": "AWS::NoValue"}, "Kept": 1}, {"Kept": 1}),
        ([{"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}, 2], [2]),
    ],
)
def test_an_intrinsic_function_is_replaced_by_what_it_stands_for(value, resolved):
    assert resolve(value, Names()) == resolved


@pytest.mark.parametrize(
    "value",
    [
        {"Fn::ImportValue": "other-stack"},
        {"Nested": [{"Fn::GetAZs": ""}]},
        {"Fn::Select": [2, ["a", "b"]]},
        {"Fn::GetAtt": ["Queue"]},
        "{{resolve:secretsmanager:secret}}",
    ],
)
def test_what_is_not_known_is_an_error(value):
    with pytest.raises(TemplateError):
        resolve(value, Names())


def test_the_names_a_value_refers_to_are_found_wherever_they_stand():
    value = {
        "a": {"Ref": "One"},
        "b": [{"Fn::GetAtt": ["Two", "Arn"]}],
        "c": {"Fn::Sub": ["${Three} ${!No} ${Four.Arn} ${x}", {"x": {"Ref": "Five"}}]},
        "d": {"Fn::If": ["Yes", {"Ref": "Six"}, "Ref"]},
    }
    assert set(references(value)) == {"One", "Two", "Three", "Four", "Five", "Six"}
