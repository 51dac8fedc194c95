"""Tells the bus what came of a job: its files, or why there are none."""

from __future__ import annotations

from typing import Annotated, Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, Field
from pydantic_settings import BaseSettings

from functions import runtime
from functions.runtime import logger
from isotrack.pipeline.announce import CaughtFailure, World, announce_failure, announce_files
from isotrack.recording.jobs import Remuxed


class Settings(BaseSettings):
    """The environment of this function."""

    raw_store: str
    recordings_store: str
    table: str
    event_bus: str
    file_retention_days: Annotated[int, Field(gt=0)]
    """How long the store of recordings keeps files, and so the table what is known of them."""


class Done(BaseModel):
    """A job that gave files."""

    remuxed: Remuxed


class Failed(BaseModel):
    """A step that failed for good."""

    failure: CaughtFailure


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Announce files or a failure; gives the ids of the events sent, none when all were before."""
    settings = runtime.settings(Settings)
    world = World(
        outcomes=runtime.outcomes(settings.table, settings.file_retention_days),
        progress=runtime.progress(settings.table),
        bus=runtime.bus(settings.event_bus),
        recordings=runtime.store(settings.recordings_store),
    )
    if "failure" in event:
        failure = Failed.model_validate(event).failure
        raw = runtime.store(settings.raw_store)
        told = announce_failure(failure, raw=raw, world=world, now=runtime.now())
    else:
        remuxed = Done.model_validate(event).remuxed
        told = announce_files(remuxed, world=world, now=runtime.now())
    logger.info("announced", event_ids=told)
    return {"event_ids": list(told)}
