"""Whether a call is recorded, and which files are made of it: call, call type and default."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from isotrack.recording.outputs import DEFAULT_OUTPUT_TYPES, OutputType
from isotrack.recording.tracks import Frozen


class Mode(StrEnum):
    """Who starts the individual recording of a call."""

    DISABLED = "disabled"
    AVAILABLE = "available"
    AUTO_ON = "auto-on"


def _once_each(output_types: tuple[OutputType, ...]) -> tuple[OutputType, ...]:
    return tuple(output for output in OutputType if output in output_types)


OutputTypes = Annotated[tuple[OutputType, ...], Field(min_length=1), AfterValidator(_once_each)]
"""At least one output type; repeated ones count once, the order is that of `OutputType`."""


class IndividualRecordingSettings(Frozen):
    """The `individual_recording` section of the settings of a call or a call type."""

    mode: Mode
    output_types: OutputTypes | None = None
    """None leaves it to the next level: the call type, then the default."""


class CallSettings(Frozen):
    """Sections of settings; one that is None is left to the next level."""

    individual_recording: IndividualRecordingSettings | None = None


class EffectiveRecording(Frozen):
    """The settings in force, every question answered."""

    mode: Mode = Mode.AVAILABLE
    output_types: OutputTypes = DEFAULT_OUTPUT_TYPES


def resolve_recording(
    call: CallSettings | None, call_type: CallSettings | None, default: EffectiveRecording
) -> EffectiveRecording:
    """Put the levels of settings together: the call's own first, then its type's, then ours.

    A section replaces the one below it as a whole, but for `output_types` where it has none.
    """
    levels = [level.individual_recording for level in (call, call_type) if level is not None]
    sections = [section for section in levels if section is not None]
    mode = next((section.mode for section in sections), default.mode)
    asked = (section.output_types for section in sections)
    return EffectiveRecording(
        mode=mode,
        output_types=next((types for types in asked if types is not None), default.output_types),
    )
