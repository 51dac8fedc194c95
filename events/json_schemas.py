"""JSON Schemas (draft 2020-12) of what crosses our boundary: events, reports, sidecars, steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core.core_schema import (
    DataclassField,
    ModelField,
    TypedDictField,
    WithDefaultSchema,
)

from isotrack.contract.events import Event
from isotrack.contract.websocket import ConnectedEvent, ConnectionErrorEvent, HealthCheckEvent
from isotrack.pipeline.announce import CaughtFailure
from isotrack.recording.agents import DesiredState, Report
from isotrack.recording.jobs import Job, Plan, Remuxed
from isotrack.recording.manifest import Manifest
from isotrack.recording.recording_manifest import RecordingManifest
from isotrack.recording.sidecar import Sidecar

EVENTS: Mapping[str, type[BaseModel]] = {
    str(model.model_fields["type"].default): model for model in get_args(get_args(Event)[0])
}
"""Every event of a call, by its type."""

SENT: Mapping[str, type[BaseModel]] = {
    **EVENTS,
    "connection.ok": ConnectedEvent,
    "connection.error": ConnectionErrorEvent,
    "health.check": HealthCheckEvent,
    "desired_state": DesiredState,
    "plan": Plan,
    "recording": RecordingManifest,
    "remuxed": Remuxed,
    "sidecar": Sidecar,
}
"""What we write, by the name of its schema."""

TAKEN: Mapping[str, type[BaseModel]] = {
    "failure": CaughtFailure,
    "job": Job,
    "manifest": Manifest,
    "report": Report,
}
"""What we read."""


class Generated(GenerateJsonSchema):
    """Schemas in which all is required that we always write: defaults are written too."""

    def field_is_required(
        self,
        field: ModelField | DataclassField | TypedDictField,
        total: bool,
    ) -> bool:
        """Whether a field is always there."""
        if self.mode == "serialization":
            return "serialization_exclude_if" not in field
        return super().field_is_required(field, total)

    def default_schema(self, schema: WithDefaultSchema) -> JsonSchemaValue:
        """A field with a default, which does not matter in what is written."""
        if self.mode == "serialization":
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)


def schemas() -> dict[str, dict[str, Any]]:
    """Every schema by its name."""
    written = {name: _schema(name, model, "serialization") for name, model in SENT.items()}
    read = {name: _schema(name, model, "validation") for name, model in TAKEN.items()}
    return {**written, **read}


def _schema(name: str, model: type[BaseModel], mode: JsonSchemaMode) -> dict[str, Any]:
    schema = model.model_json_schema(mode=mode, schema_generator=Generated)
    return {"$schema": GenerateJsonSchema.schema_dialect, **schema, "title": name}
