"""The environment of the HTTP API, and the world that its operations see through it."""

from __future__ import annotations

from functools import cache
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings

from functions import runtime
from functions.runtime import CommaSeparated
from isotrack.adapters.stepfunctions import StepFunctionsExecutions
from isotrack.control.archive import Archive
from isotrack.control.world import World
from isotrack.pipeline.ports import Executions
from isotrack.recording.settings import Mode, OutputTypes


class Settings(BaseSettings):
    """The environment of the function."""

    table: str
    event_bus: str
    raw_store: str
    recordings_store: str
    file_retention_days: Annotated[int, Field(gt=0)]
    state_machine_arn: str
    api_secret_arn: str
    agent_queue_prefix: str
    default_mode: Mode
    default_output_types: Annotated[OutputTypes, *CommaSeparated]


def settings() -> Settings:
    """The environment."""
    found: Settings = runtime.settings(Settings)
    return found


@cache
def world() -> World:
    """Calls and people."""
    return runtime.world(
        settings().table,
        settings().event_bus,
        settings().agent_queue_prefix,
        settings().default_mode,
        settings().default_output_types,
    )


@cache
def archive() -> Archive:
    """What came of recordings; made when it is asked for, since few operations need it."""
    return runtime.archive(
        settings().table,
        settings().event_bus,
        settings().raw_store,
        settings().recordings_store,
        settings().file_retention_days,
    )


@cache
def executions() -> Executions:
    """Runs of the state machine."""
    return StepFunctionsExecutions(settings().state_machine_arn, runtime.stepfunctions())
