"""JSON Schemas (draft 2020-12) of what crosses our boundary: events, reports, sidecars, steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode
from pydantic_core.core_schema import DataclassField, ModelField, TypedDictField

from isotrack.pipeline.announce import CaughtFailure
from isotrack.recording.agents import DesiredState, Report
from isotrack.recording.events import (
    CallRecordingFailed,
    CallRecordingReady,
    CallRecordingStarted,
    CallRecordingStopped,
)
from isotrack.recording.jobs import Job, Plan, Remuxed
from isotrack.recording.manifest import Manifest
from isotrack.recording.sidecar import Sidecar

SENT: Mapping[str, type[BaseModel]] = {
    "call.recording_started": CallRecordingStarted,
    "call.recording_stopped": CallRecordingStopped,
    "call.recording_ready": CallRecordingReady,
    "call.recording_failed": CallRecordingFailed,
    "desired_state": DesiredState,
    "plan": Plan,
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
    """Schemas in which everything that we write is required: defaults are written too."""

    def field_is_required(
        self,
        field: ModelField | DataclassField | TypedDictField,
        total: bool,
    ) -> bool:
        """Whether a field is always there."""
        return self.mode == "serialization" or super().field_is_required(field, total)


def schemas() -> dict[str, dict[str, Any]]:
    """Every schema by its name."""
    written = {name: _schema(name, model, "serialization") for name, model in SENT.items()}
    read = {name: _schema(name, model, "validation") for name, model in TAKEN.items()}
    return {**written, **read}


def _schema(name: str, model: type[BaseModel], mode: JsonSchemaMode) -> dict[str, Any]:
    schema = model.model_json_schema(mode=mode, schema_generator=Generated)
    return {"$schema": GenerateJsonSchema.schema_dialect, **schema, "title": name}
