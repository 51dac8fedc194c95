"""What is wrong with input from outside, said in one sentence that names the field."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from isotrack.recording.errors import CorruptInput, Invalid, RecordingError

M = TypeVar("M", bound=BaseModel)


def first_problem(error: ValidationError) -> str:
    """The first complaint of a validation: `calls.0.call_session_id: Field required`."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = ".".join(str(step) for step in first["loc"]) or "body"
    return f"{field}: {first['msg']}"


def requested(model: type[M], body: str | bytes) -> M:
    """Parse what a caller sent. Raises Invalid, which names the field."""
    return _parse(model, body, Invalid, "")


def stored(model: type[M], body: str | bytes, place: str) -> M:
    """Parse what was written by ourselves. Raises CorruptInput, which names place and field."""
    return _parse(model, body, CorruptInput, f"{place}: ")


def _parse(model: type[M], body: str | bytes, error: type[RecordingError], place: str) -> M:
    try:
        return model.model_validate_json(body)
    except ValidationError as problem:
        raise error(place + first_problem(problem)) from problem
