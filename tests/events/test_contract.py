"""The files under `events/` say what the code does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate
from pydantic import TypeAdapter

from events.generate import FOLDER, documents
from functions.api import app
from isotrack.recording.events import Event
from isotrack.recording.sidecar import Sidecar

SAMPLES = FOLDER / "samples"
EVENT_TYPES = [
    "call.recording_started",
    "call.recording_stopped",
    "call.recording_ready",
    "call.recording_failed",
]


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return loaded


def schema(name: str) -> dict[str, Any]:
    return load(FOLDER / "schemas" / f"{name}.schema.json")


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_a_generated_file_is_what_the_models_say(path: Path) -> None:
    assert path.read_text("utf-8") == documents()[path], "run: python -m events.generate"


def test_there_is_no_schema_of_a_model_that_is_gone() -> None:
    written = {path for path in (FOLDER / "schemas").iterdir() if path.suffix == ".json"}
    assert written == {path for path in documents() if path.parent.name == "schemas"}


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_the_sample_of_an_event_is_exactly_what_would_be_sent(name: str) -> None:
    sample = load(SAMPLES / f"{name}.json")
    event = TypeAdapter[Event](Event).validate_python(sample)
    assert event.type == name
    assert json.loads(event.model_dump_json()) == sample
    jsonschema.validate(sample, schema(name))


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_a_schema_requires_each_field_that_is_sent(name: str) -> None:
    sample = load(SAMPLES / f"{name}.json")
    for field in sample:
        less = {key: value for key, value in sample.items() if key != field}
        with pytest.raises(jsonschema.ValidationError, match=field):
            jsonschema.validate(less, schema(name))


@pytest.mark.parametrize(
    ("sample", "steps", "name"),
    [
        ("remux", [], "job"),
        ("announce.files", ["remuxed"], "remuxed"),
        ("announce.failure", ["failure"], "failure"),
    ],
)
def test_the_samples_of_steps_fit_their_schemas(sample: str, steps: list[str], name: str) -> None:
    content = load(SAMPLES / f"{sample}.json")
    for step in steps:
        content = content[step]
    jsonschema.validate(content, schema(name))


def test_the_sample_of_a_sidecar_is_exactly_what_would_be_written() -> None:
    sample = load(SAMPLES / "sidecar.json")
    jsonschema.validate(sample, schema("sidecar"))
    assert Sidecar.model_validate(sample).model_dump(mode="json") == sample


def test_the_sample_of_a_report_fits_its_schema() -> None:
    body = json.loads(load(SAMPLES / "api.report_calls.json")["body"])
    jsonschema.validate(body, schema("report"))


def test_the_openapi_description_is_valid() -> None:
    validate(load(FOLDER / "openapi.json"))


def test_the_openapi_description_has_just_the_routes_of_the_api() -> None:
    names = {"call_type": "type", "call_id": "id"}
    routes = {
        (route.method, as_openapi(str(route.path), names))
        for route in app._static_routes + app._dynamic_routes
    }
    paths = load(FOLDER / "openapi.json")["paths"]
    described = {
        (method.upper(), path)
        for path, item in paths.items()
        for method in item
        if method != "parameters"
    }
    assert described == routes


def as_openapi(path: str, names: dict[str, str]) -> str:
    parts = [
        "{" + names.get(part[1:-1], part[1:-1]) + "}" if part.startswith("<") else part
        for part in path.split("/")
    ]
    return "/".join(parts)
