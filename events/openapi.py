"""The OpenAPI description (3.1) of the HTTP API, made of the operations that answer it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from events.components import Components, Schema
from functions.operations import CLIENT_PREFIX, SERVER_PREFIX, Asking, Operation
from functions.routes import OPERATIONS
from isotrack.contract.errors import APIError

SECURITY: dict[Asking, list[dict[str, list[str]]]] = {
    Asking.CLIENTS: [{"user_token": [], "api_key": []}, {"server_token": [], "api_key": []}],
    Asking.SERVERS: [{"server_token": [], "api_key": []}],
    Asking.AGENTS: [{"agent_token": []}, {"server_token": []}],
}
REFUSALS = {
    400: "The request is wrong (`exception_fields` names the fields), or cannot be done as things "
    "are: a recording is running already, nobody is in the call. Code 4; 46 when the connection "
    "named is not one of the caller's.",
    401: "Nobody knows who asks. Codes 2 (api_key), 5 (token), 40 (expired or revoked), 41 (not "
    "valid yet), 42 (used before iat), 43 (signature).",
    403: "The caller lacks the permission. Code 17.",
    404: "There is no such thing. Code 16.",
    413: "The body is too large. Code 22.",
    500: "Something went wrong on our side. Code -1.",
    503: "AWS was busy; try again. Code -1.",
}
THROTTLED = "The gateway's: more requests in a second than the installation takes."
TOKENS = {
    "user_token": 'Of a user: `{"user_id": ...}`, with `iat`, and `exp` if it shall expire; a call '
    "token has `call_cids` and `role` too.",
    "server_token": 'Of an application\'s server: `{"server": true}`. It may do everything.',
    "agent_token": 'Of a capture agent: `{"agent_id": ...}`. It may report for itself.',
}


def openapi() -> dict[str, Any]:
    """The whole description."""
    components = Components(
        taken=[model for each in OPERATIONS for model in (each.body_model,) if model is not None],
        answered=[APIError, *(each.answer for each in OPERATIONS)],
    )
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        for prefix in operation.prefixes:
            item = paths.setdefault(prefix + operation.path, {})
            item[operation.method.lower()] = _described(operation, prefix, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Isotrack",
            "version": "1",
            "license": {"name": "MIT", "identifier": "MIT"},
            "description": "Individual recording of WebRTC calls. What is behind "
            f"`{SERVER_PREFIX}` answers moments as integers of nanoseconds, what is behind "
            f"`{CLIENT_PREFIX}` as RFC 3339; both are one API.",
        },
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": components.schemas, "securitySchemes": _security()},
    }


def _security() -> dict[str, Any]:
    kind = {"type": "apiKey", "in": "header", "name": "Authorization"}
    signed = "A JSON Web Token signed with the API secret by HS256. "
    return {
        **{name: {**kind, "description": signed + whose} for name, whose in TOKENS.items()},
        "api_key": {"type": "apiKey", "in": "query", "name": "api_key"},
    }


def _described(operation: Operation, prefix: str, components: Components) -> dict[str, Any]:
    twins = len(operation.prefixes) > 1 and prefix.startswith(CLIENT_PREFIX)
    described: dict[str, Any] = {
        "operationId": operation.name + ("ByClient" if twins else ""),
        "summary": operation.summary,
        "security": SECURITY[operation.asking],
        "responses": _responses(operation, prefix, components),
    }
    if parameters := [*_parameters(operation)]:
        described["parameters"] = parameters
    if operation.body_model is not None:
        described["requestBody"] = {
            "required": _needs_body(operation.body_model),
            "content": _json(components.taken(operation.body_model)),
        }
    return described


def _needs_body(model: type[BaseModel]) -> bool:
    return any(field.is_required() for field in model.model_fields.values())


def _responses(operation: Operation, prefix: str, components: Components) -> dict[str, Any]:
    nanoseconds = prefix.startswith(SERVER_PREFIX)
    done = components.answered(operation.answer, nanoseconds=nanoseconds)
    error = _json(components.answered(APIError, nanoseconds=nanoseconds))
    refused = {
        str(status): {"description": why, "content": error}
        for status, why in REFUSALS.items()
        if status != 413 or operation.body_model is not None
    }
    docstring = (operation.answer.__doc__ or "").strip().partition("\n")[0]
    return {
        str(operation.status): {"description": docstring, "content": _json(done)},
        **refused,
        "429": {"description": THROTTLED},
    }


def _parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    if operation.path_model is not None:
        schemas = _fields(operation.path_model)
        # In the order in which the path has them, not in the model's.
        for name in re.findall(r"\{(\w+)\}", operation.path):
            yield {"name": name, "in": "path", "required": True, "schema": schemas[name]}
    if operation.query_model is not None:
        required = {n for n, f in operation.query_model.model_fields.items() if f.is_required()}
        for name, schema in _fields(operation.query_model).items():
            parameter = {"name": name, "in": "query", "required": name in required}
            if described := schema.pop("description", None):
                parameter["description"] = described
            yield {**parameter, "schema": schema}


def _fields(model: type[BaseModel]) -> dict[str, Schema]:
    """The schema of each field, self-contained, as a parameter can be: there, or left out."""
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})
    return {
        name: _plain(_inlined(field, definitions)) for name, field in schema["properties"].items()
    }


def _inlined(part: Any, definitions: dict[str, Schema]) -> Any:
    if isinstance(part, list):
        return [_inlined(each, definitions) for each in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _inlined(definitions[part["$ref"].rpartition("/")[2]], definitions)
    return {name: _inlined(each, definitions) for name, each in part.items()}


def _plain(schema: Schema) -> Schema:
    """Without null and defaults: a parameter that is not there is left out."""
    kinds = [kind for kind in schema.pop("anyOf", ()) if kind != {"type": "null"}]
    plain = {name: part for name, part in schema.items() if name not in ("default", "title")}
    if len(kinds) > 1:
        plain["anyOf"] = kinds
    return {**plain, **(kinds[0] if len(kinds) == 1 else {})}


def _json(schema: Schema) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
