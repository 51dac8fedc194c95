"""Whether a call is recorded, and which files are made of it, as settings say it.

Which settings hold for a call, `calls.settings` decides.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from isotrack.recording.outputs import OutputType


class Mode(StrEnum):
    """Who starts the individual recording of a call."""

    DISABLED = "disabled"
    AVAILABLE = "available"
    AUTO_ON = "auto-on"


def _once_each(output_types: tuple[OutputType, ...]) -> tuple[OutputType, ...]:
    return tuple(output for output in OutputType if output in output_types)


OutputTypes = Annotated[tuple[OutputType, ...], Field(min_length=1), AfterValidator(_once_each)]
"""At least one output type; repeated ones count once, the order is that of `OutputType`."""
