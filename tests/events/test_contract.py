"""The files under `events/` say what the code does."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate
from pydantic import BaseModel, TypeAdapter

from events.generate import FOLDER, documents
from events.json_schemas import EVENTS
from functions.routes import OPERATIONS
from isotrack.contract.events import Event
from isotrack.contract.websocket import ConnectedEvent, ConnectionErrorEvent, HealthCheckEvent
from isotrack.recording.recording_manifest import RecordingManifest
from isotrack.recording.sidecar import Sidecar

SAMPLES = FOLDER / "samples"
GENERATED = documents()
CONNECTION_MESSAGES = {
    "connection.ok": ConnectedEvent,
    "connection.error": ConnectionErrorEvent,
    "health.check": HealthCheckEvent,
}
SOMETIMES = {"call.ended": {"user", "reason"}, "call.session_participant_left": {"reason"}}
"""Fields that are left out where there is nothing to say."""


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return loaded


@cache
def schema(name: str) -> jsonschema.Draft202012Validator:
    """A schema that was found to be one: that takes longer than all that is held against it."""
    content = load(FOLDER / "schemas" / f"{name}.schema.json")
    jsonschema.Draft202012Validator.check_schema(content)
    return jsonschema.Draft202012Validator(content)


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: path.name)
def test_a_generated_file_is_what_the_models_say(path: Path) -> None:
    assert path.read_text("utf-8") == GENERATED[path], "run: python -m events.generate"


def test_there_is_no_schema_of_a_model_that_is_gone() -> None:
    written = {path for path in (FOLDER / "schemas").iterdir() if path.suffix == ".json"}
    assert written == {path for path in GENERATED if path.parent.name == "schemas"}


def test_all_events_are_described() -> None:
    assert set(EVENTS) == {
        "call.created",
        "call.updated",
        "call.ended",
        "call.member_added",
        "call.member_updated",
        "call.member_removed",
        "call.session_started",
        "call.session_ended",
        "call.session_participant_joined",
        "call.session_participant_left",
        "call.recording_started",
        "call.recording_stopped",
        "call.recording_ready",
        "call.recording_failed",
        "call.recording_completed",
    }


@pytest.mark.parametrize("name", EVENTS)
def test_the_sample_of_an_event_is_exactly_what_would_be_sent(name: str) -> None:
    sample = load(SAMPLES / f"{name}.json")
    event = TypeAdapter[Event](Event).validate_python(sample)
    assert event.type == name
    assert json.loads(event.model_dump_json()) == sample
    schema(name).validate(sample)


@pytest.mark.parametrize(("name", "model"), CONNECTION_MESSAGES.items())
def test_the_sample_of_a_connection_message_is_exactly_what_would_be_sent(
    name: str, model: type[BaseModel]
) -> None:
    sample = load(SAMPLES / f"{name}.json")
    assert json.loads(model.model_validate(sample).model_dump_json()) == sample
    schema(name).validate(sample)


@pytest.mark.parametrize("name", [*EVENTS, *CONNECTION_MESSAGES])
def test_a_schema_requires_each_field_that_is_always_sent(name: str) -> None:
    sample = load(SAMPLES / f"{name}.json")
    for field in sample.keys() - SOMETIMES.get(name, set()):
        less = {key: value for key, value in sample.items() if key != field}
        with pytest.raises(jsonschema.ValidationError, match=field):
            schema(name).validate(less)


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
    schema(name).validate(content)


def test_the_sample_of_a_sidecar_is_exactly_what_would_be_written() -> None:
    sample = load(SAMPLES / "sidecar.json")
    schema("sidecar").validate(sample)
    assert Sidecar.model_validate(sample).model_dump(mode="json") == sample


def test_the_sample_of_a_recordings_manifest_is_exactly_what_would_be_written() -> None:
    sample = load(SAMPLES / "recording.json")
    schema("recording").validate(sample)
    assert RecordingManifest.model_validate(sample).model_dump(mode="json") == sample


def test_the_sample_of_a_report_fits_its_schema() -> None:
    body = json.loads(load(SAMPLES / "api.report_calls.json")["body"])
    schema("report").validate(body)


def test_the_openapi_description_is_valid() -> None:
    validate(load(FOLDER / "openapi.json"))


def test_the_openapi_description_has_just_the_operations_of_the_api() -> None:
    operations = {
        (operation.method.lower(), prefix + operation.path)
        for operation in OPERATIONS
        for prefix in operation.prefixes
    }
    paths = load(FOLDER / "openapi.json")["paths"]
    described = {(method, path) for path, item in paths.items() for method in item}
    assert described == operations


def test_moments_are_integers_behind_the_servers_prefix_and_strings_behind_the_clients() -> None:
    description = load(FOLDER / "openapi.json")
    for prefix, kind in [("/api/v2/video", "integer"), ("/video", "string")]:
        operation = description["paths"][f"{prefix}/calltypes/{{name}}"]["get"]
        answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
        schema = description["components"]["schemas"][answer["$ref"].rpartition("/")[2]]
        assert schema["properties"]["created_at"]["type"] == kind
        assert "created_at" in schema["required"]


def test_each_operation_says_whose_token_it_takes() -> None:
    paths = load(FOLDER / "openapi.json")["paths"]
    report = paths["/agents/{agent_id}/report"]["post"]["security"]
    assert report == [{"agent_token": []}, {"server_token": []}]
    users = paths["/api/v2/users"]["post"]["security"]
    assert users == [{"server_token": [], "api_key": []}]
    assert {"user_token": [], "api_key": []} in paths["/video/call/{type}/{id}"]["get"]["security"]
