from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from events.json_schemas import Generated
from isotrack.contract.fields import MAX_CUSTOM_BYTES, Custom, Disabled, Limit, Maybe, Name, Off
from isotrack.recording.tracks import Frozen


class Answer(Frozen):
    note: Maybe[str] = None
    enabled: Off = False
    mode: Disabled = "disabled"


class Request(Frozen):
    custom: Custom | None = None
    name: Name | None = None
    limit: Limit | None = None


def refusal(body: str) -> tuple[object, ...]:
    with pytest.raises(ValidationError) as refused:
        Request.model_validate_json(body)
    return refused.value.errors()[0]["loc"]


def test_a_field_with_nothing_to_say_is_left_out() -> None:
    assert json.loads(Answer().model_dump_json()) == {"enabled": False, "mode": "disabled"}
    assert json.loads(Answer(note="").model_dump_json())["note"] == ""


def test_a_field_that_may_be_left_out_is_never_null_in_the_schema_of_answers() -> None:
    schema = Answer.model_json_schema(mode="serialization", schema_generator=Generated)
    assert schema["properties"]["note"] == {"title": "Note", "type": "string"}
    assert schema["required"] == ["enabled", "mode"]


def test_what_is_not_done_is_answered_as_off_whatever_was_asked() -> None:
    answer = Answer.model_validate({"enabled": True, "mode": "auto-on"})
    assert (answer.enabled, answer.mode) == (False, "disabled")


def test_custom_data_keeps_what_an_application_put_in() -> None:
    custom = {"a": None, "b": [1, 2.5, True, {"c": "ü😀"}], "": "\x00"}
    body = json.dumps({"custom": custom})
    assert json.loads(Request.model_validate_json(body).model_dump_json())["custom"] == custom


def test_custom_data_may_be_so_large_and_no_larger() -> None:
    room = MAX_CUSTOM_BYTES - len(json.dumps({"a": ""}))
    Request.model_validate({"custom": {"a": "x" * room}})
    with pytest.raises(ValidationError, match="may take 5120 bytes as JSON, this takes 5121"):
        Request.model_validate({"custom": {"a": "x" * (room + 1)}})


@pytest.mark.parametrize(
    "custom", ['"text"', "[]", "7", '{"a": ' + "[" * 300 + "]" * 300 + "}", '{"a": "\\ud800"}']
)
def test_what_is_no_custom_data_is_refused(custom: str) -> None:
    with pytest.raises(ValidationError):
        Request.model_validate_json(f'{{"custom": {custom}}}')


@pytest.mark.parametrize("value", ["\ud800", float("nan"), float("inf")])
def test_custom_data_that_json_cannot_say_is_refused_and_not_an_accident(value: object) -> None:
    with pytest.raises(ValidationError, match="that JSON cannot say"):
        Request.model_validate({"custom": {"a": value}})


@pytest.mark.parametrize("name", ["admin", "call_member", "a-b.c", "ö", "x" * 64])
def test_names_of_roles_and_types_are_taken(name: str) -> None:
    assert Request(name=name).name == name


@pytest.mark.parametrize(
    "name", ["", "a/b", "..", ".", "a b", "a:b", "a\n", "\x00", "x" * 65, "%2e", ".a", "-a"]
)
def test_names_that_could_be_taken_for_something_else_are_refused(name: str) -> None:
    assert refusal(json.dumps({"name": name})) == ("name",)


@pytest.mark.parametrize("limit", [-1, 101, "many", 1.5, 10**30])
def test_a_limit_out_of_range_is_refused(limit: object) -> None:
    assert refusal(json.dumps({"limit": limit})) == ("limit",)
