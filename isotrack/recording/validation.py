"""What is wrong with input from outside, said in one sentence that names the field."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from isotrack.recording.errors import CorruptInput, Invalid

M = TypeVar("M", bound=BaseModel)


MOST_PROBLEMS = 20
"""Of those told of one input: whoever sent a thousand wrong fields need not hear of each."""


def problems(error: ValidationError) -> dict[str, str]:
    """What is wrong with each field: `{"calls.0.call_session_id": "Field required"}`."""
    found: dict[str, str] = {}
    told = error.errors(include_url=False, include_context=False, include_input=False)
    for problem in told[:MOST_PROBLEMS]:
        field = ".".join(str(step) for step in problem["loc"]) or "body"
        found.setdefault(field, problem["msg"])
    return found


def first_problem(error: ValidationError) -> str:
    """The first complaint of a validation: `calls.0.call_session_id: Field required`."""
    field, problem = next(iter(problems(error).items()))
    return f"{field}: {problem}"


def invalid(error: ValidationError) -> Invalid:
    """The complaints of a validation as a refusal of what was asked."""
    return Invalid(first_problem(error), problems(error))


def requested(model: type[M], body: str | bytes) -> M:
    """Parse what a caller sent. Raises Invalid, which names the fields."""
    try:
        return model.model_validate_json(body)
    except ValidationError as problem:
        raise invalid(problem) from problem


def stored(model: type[M], body: str | bytes, place: str) -> M:
    """Parse what was written by ourselves. Raises CorruptInput, which names place and field."""
    try:
        return model.model_validate_json(body)
    except ValidationError as problem:
        raise CorruptInput(f"{place}: {first_problem(problem)}") from problem
