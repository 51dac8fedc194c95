"""The OpenAPI description (3.1) of the HTTP API, made of the models that its handlers use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from events.json_schemas import Generated
from functions.api import PREFIXES, report_calls, start_recording, stop_recording
from functions.contract import (
    APIError,
    StartRecordingRequest,
    StartRecordingResponse,
    StopRecordingRequest,
    StopRecordingResponse,
)
from isotrack.recording.agents import DesiredState, Report

REQUESTS: tuple[type[BaseModel], ...] = (StartRecordingRequest, StopRecordingRequest, Report)
ANSWERS: tuple[type[BaseModel], ...] = (
    StartRecordingResponse,
    StopRecordingResponse,
    DesiredState,
    APIError,
)
REFUSALS = {
    400: "The body or the path is wrong (the message names the field), recording is disabled, "
    "nobody is in the call, or the recording is in the state asked for already. Code 4.",
    401: "Nobody knows who asks. Codes 2 (api_key), 5 (token), 40 (expired), 41 (not valid yet), "
    "42 (used before iat), 43 (signature).",
    403: "The caller lacks the permission. Code 17.",
    503: "AWS was busy; try again. Code -1.",
}


def openapi() -> dict[str, Any]:
    """The whole description."""
    paths: dict[str, Any] = {}
    for prefix in PREFIXES:
        recording = f"{prefix}/call/{{type}}/{{id}}/recordings/{{recording_type}}"
        paths[f"{recording}/start"] = _recording_operation(
            "StartRecording", prefix, start_recording, StartRecordingRequest, StartRecordingResponse
        )
        paths[f"{recording}/stop"] = _recording_operation(
            "StopRecording", prefix, stop_recording, StopRecordingRequest, StopRecordingResponse
        )
    paths["/agents/{agent_id}/report"] = _report_operation()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Isotrack",
            "version": "1",
            "license": {"name": "MIT", "identifier": "MIT"},
            "description": "Individual recording of WebRTC calls. Both prefixes are one API.",
        },
        "paths": paths,
        "components": {"schemas": _schemas(), "securitySchemes": _security()},
    }


def _schemas() -> dict[str, Any]:
    _, taken = models_json_schema(
        [(model, "validation") for model in REQUESTS], ref_template="#/components/schemas/{model}"
    )
    _, sent = models_json_schema(
        [(model, "serialization") for model in ANSWERS],
        ref_template="#/components/schemas/{model}",
        schema_generator=Generated,
    )
    schemas: dict[str, Any] = {**taken["$defs"], **sent["$defs"]}
    return dict(sorted(schemas.items()))


def _security() -> dict[str, Any]:
    return {
        "token": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "A JSON Web Token signed with the API secret by HS256: of a server "
            '({"server": true}), an agent ({"agent_id": ...}) or a user ({"user_id": ...}).',
        },
        "api_key": {"type": "apiKey", "in": "query", "name": "api_key"},
    }


def _recording_operation(
    name: str,
    prefix: str,
    route: Callable[..., object],
    request: type[BaseModel],
    answer: type[BaseModel],
) -> dict[str, Any]:
    suffix = "" if prefix == PREFIXES[0] else "ByClient"
    return {
        "parameters": [_parameter("type"), _parameter("id"), _recording_type()],
        "post": {
            "operationId": name + suffix,
            "description": route.__doc__,
            "security": [{"token": [], "api_key": []}],
            "requestBody": {"required": False, "content": _json(request)},
            "responses": _responses(201, answer),
        },
    }


def _report_operation() -> dict[str, Any]:
    return {
        "parameters": [_parameter("agent_id")],
        "post": {
            "operationId": "ReportCalls",
            "description": report_calls.__doc__,
            "security": [{"token": []}],
            "requestBody": {"required": True, "content": _json(Report)},
            "responses": _responses(200, DesiredState),
        },
    }


def _parameter(name: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": 64}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _recording_type() -> dict[str, Any]:
    schema = {"type": "string", "enum": ["individual"]}
    return {"name": "recording_type", "in": "path", "required": True, "schema": schema}


def _responses(status: int, answer: type[BaseModel]) -> dict[str, Any]:
    refused = {
        str(code): {"description": reason, "content": _json(APIError)}
        for code, reason in REFUSALS.items()
    }
    done = {"description": (answer.__doc__ or "").strip(), "content": _json(answer)}
    return {str(status): done, **refused}


def _json(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}
