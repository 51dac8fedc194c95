"""Makes the recording files of one source of a participant session."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic_settings import BaseSettings

from functions import runtime
from functions.runtime import logger
from isotrack.adapters.blackening import black_pictures
from isotrack.adapters.checksums import crc32c_of
from isotrack.adapters.turning import picture_turners
from isotrack.pipeline.remux import remux
from isotrack.recording.jobs import Job


class Settings(BaseSettings):
    """The environment of this function."""

    raw_store: str
    recordings_store: str


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Remux one job."""
    job = Job.model_validate(event)
    settings = runtime.settings(Settings)
    remuxed = remux(
        job,
        raw=runtime.store(settings.raw_store),
        recordings=runtime.store(settings.recordings_store),
        checksum=crc32c_of,
        turners=picture_turners(),
        black_pictures=black_pictures(),
    )
    logger.info("remuxed", job=event, files=[file.key for file in remuxed.files])
    return remuxed.model_dump(mode="json")
