from __future__ import annotations

import pytest
from pydantic import ValidationError

from isotrack.recording.outputs import OutputType
from isotrack.recording.settings import (
    CallSettings,
    EffectiveRecording,
    IndividualRecordingSettings,
    Mode,
    resolve_recording,
)

DEFAULT = EffectiveRecording()
AUDIO = (OutputType.AUDIO_ONLY,)
VIDEO = (OutputType.VIDEO_ONLY,)


def level(mode: Mode, output_types: tuple[OutputType, ...] | None = None) -> CallSettings:
    section = IndividualRecordingSettings(mode=mode, output_types=output_types)
    return CallSettings(individual_recording=section)


def test_without_any_settings_recording_is_available_with_audio_and_video_together() -> None:
    assert resolve_recording(None, None, DEFAULT) == EffectiveRecording(
        mode=Mode.AVAILABLE,
        output_types=(OutputType.AUDIO_VIDEO, OutputType.SCREENSHARE_AUDIO_VIDEO),
    )


def test_the_settings_of_a_call_win_over_those_of_its_type() -> None:
    resolved = resolve_recording(level(Mode.DISABLED, AUDIO), level(Mode.AUTO_ON, VIDEO), DEFAULT)
    assert resolved == EffectiveRecording(mode=Mode.DISABLED, output_types=AUDIO)


def test_the_settings_of_a_type_win_over_the_default() -> None:
    resolved = resolve_recording(CallSettings(), level(Mode.AUTO_ON, VIDEO), DEFAULT)
    assert resolved == EffectiveRecording(mode=Mode.AUTO_ON, output_types=VIDEO)


def test_output_types_left_out_come_from_the_next_level() -> None:
    resolved = resolve_recording(level(Mode.AUTO_ON), level(Mode.DISABLED, VIDEO), DEFAULT)
    assert resolved == EffectiveRecording(mode=Mode.AUTO_ON, output_types=VIDEO)


def test_output_types_count_once_and_in_their_order() -> None:
    settings = IndividualRecordingSettings.model_validate(
        {"mode": "available", "output_types": ["video_only", "audio_only", "video_only"]}
    )
    assert settings.output_types == (OutputType.AUDIO_ONLY, OutputType.VIDEO_ONLY)


@pytest.mark.parametrize(
    ("section", "field"),
    [
        ({}, "mode"),
        ({"mode": "on"}, "mode"),
        ({"mode": "available", "output_types": []}, "output_types"),
        ({"mode": "available", "output_types": ["av"]}, "output_types.0"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_field(
    section: dict[str, object], field: str
) -> None:
    with pytest.raises(ValidationError, match=field):
        IndividualRecordingSettings.model_validate(section)
