"""What the HTTP API takes and answers, as `events/openapi.json` shows it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints


class StartRecordingRequest(BaseModel):
    """Body of a start; may be left out."""

    recording_external_storage: Annotated[str, StringConstraints(min_length=1)] | None = None
    """Name of the storage the files go to; ours when it is left out."""


class StopRecordingRequest(BaseModel):
    """Body of a stop; may be left out."""


class Timed(BaseModel):
    """An answer that says how long it took."""

    duration: str = ""
    """Time the request took, as `10.89ms`; filled in when the answer is sent."""


class StartRecordingResponse(Timed):
    """A recording was asked for; `call.recording_started` says when it runs."""

    egress_id: str
    """Of the recording, as in all its events."""


class StopRecordingResponse(Timed):
    """The recording was told to stop; `call.recording_stopped` says when it has."""


class APIError(Timed):
    """Why a request was refused."""

    code: int
    """What kind of error it is, finer than the HTTP status."""
    StatusCode: int
    message: str
    more_info: str = ""
    details: Annotated[tuple[int, ...], Field(max_length=0)] = ()
