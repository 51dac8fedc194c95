"""Decides the jobs of a manifest, and notes that they are to be done."""

from __future__ import annotations

from typing import Annotated, Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, Field
from pydantic_settings import BaseSettings

from functions import runtime
from functions.runtime import logger
from isotrack.pipeline.plan import expect, plan


class Settings(BaseSettings):
    """The environment of this function."""

    raw_store: str
    table: str


class Request(BaseModel):
    """The input of the state machine."""

    manifest_key: str
    revision: Annotated[int, Field(ge=1)]


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Give the plan of a manifest."""
    request = Request.model_validate(event)
    settings = runtime.settings(Settings)
    store = runtime.store(settings.raw_store)
    planned = plan(request.manifest_key, request.revision, store=store)
    expect(planned, request.revision, progress=runtime.progress(settings.table))
    logger.info("planned", manifest_key=planned.manifest_key, jobs=len(planned.jobs))
    return planned.model_dump(mode="json")
