from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from isotrack.recording.outputs import OutputType
from isotrack.recording.settings import Mode, OutputTypes

OUTPUT_TYPES: TypeAdapter[tuple[OutputType, ...]] = TypeAdapter(OutputTypes)


def test_output_types_count_once_and_in_their_order() -> None:
    asked = ["video_only", "audio_only", "video_only"]
    expected = (OutputType.AUDIO_ONLY, OutputType.VIDEO_ONLY)
    assert OUTPUT_TYPES.validate_python(asked) == expected


def test_all_six_output_types_may_be_asked_for() -> None:
    assert OUTPUT_TYPES.validate_python([output.value for output in OutputType]) == (*OutputType,)


@pytest.mark.parametrize("output_types", [[], ["av"], ["AUDIO_ONLY"], [None], "audio_only", None])
def test_output_types_that_cannot_be_are_refused(output_types: object) -> None:
    with pytest.raises(ValidationError):
        OUTPUT_TYPES.validate_python(output_types)


@pytest.mark.parametrize("mode", ["disabled", "available", "auto-on"])
def test_the_modes_are_those_of_the_compatible_api(mode: str) -> None:
    assert Mode(mode).value == mode
