"""Ends the work on a manifest: the last one of a recording makes the recording complete."""

from __future__ import annotations

from typing import Annotated, Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, Field
from pydantic_settings import BaseSettings

from functions import runtime
from functions.runtime import logger
from isotrack.control.complete import complete
from isotrack.recording import keys


class Settings(BaseSettings):
    """The environment of this function."""

    raw_store: str
    recordings_store: str
    table: str
    event_bus: str
    file_retention_days: Annotated[int, Field(gt=0)]


class Ended(BaseModel):
    """A manifest all of whose jobs have ended."""

    manifest_key: str


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Say whether the recording of a manifest became complete with it."""
    manifest_key = Ended.model_validate(event).manifest_key
    ids = keys.session_ids(manifest_key)
    settings = runtime.settings(Settings)
    archive = runtime.archive(
        settings.table,
        settings.event_bus,
        settings.raw_store,
        settings.recordings_store,
        settings.file_retention_days,
    )
    completed = complete(ids.call, ids.egress_id, archive=archive, holder=manifest_key)
    if completed:
        logger.info("completed", egress_id=ids.egress_id)
    return {"completed": completed}
