from __future__ import annotations

import pytest

from isotrack.calls.settings import overridden, resolve_settings
from isotrack.contract.media_settings import AudioSettingsRequest, VideoSettingsRequest
from isotrack.contract.recording_settings import (
    IndividualRecordingSettingsRequest,
    IndividualRecordingSettingsResponse,
    RecordSettingsRequest,
)
from isotrack.contract.settings import (
    DEFAULT_SETTINGS,
    CallSettingsRequest,
    CallSettingsResponse,
)
from isotrack.recording.outputs import DEFAULT_OUTPUT_TYPES, OutputType
from isotrack.recording.settings import Mode

AUDIO = (OutputType.AUDIO_ONLY,)
VIDEO = (OutputType.VIDEO_ONLY,)


def recording(mode: Mode, outputs: tuple[OutputType, ...] | None = None) -> CallSettingsRequest:
    section = IndividualRecordingSettingsRequest(mode=mode, output_types=outputs)
    return CallSettingsRequest(individual_recording=section)


def test_where_nothing_is_set_the_defaults_hold() -> None:
    settings = resolve_settings(None, None)
    assert settings == DEFAULT_SETTINGS
    assert settings.individual_recording.mode is Mode.AVAILABLE
    assert settings.individual_recording.output_types == DEFAULT_OUTPUT_TYPES


@pytest.mark.parametrize(
    ("call", "call_type", "mode", "outputs"),
    [
        (None, recording(Mode.AUTO_ON), Mode.AUTO_ON, DEFAULT_OUTPUT_TYPES),
        (None, recording(Mode.AUTO_ON, AUDIO), Mode.AUTO_ON, AUDIO),
        (recording(Mode.DISABLED), None, Mode.DISABLED, DEFAULT_OUTPUT_TYPES),
        (recording(Mode.DISABLED), recording(Mode.AUTO_ON, AUDIO), Mode.DISABLED, AUDIO),
        (recording(Mode.AVAILABLE, VIDEO), recording(Mode.AUTO_ON, AUDIO), Mode.AVAILABLE, VIDEO),
        (CallSettingsRequest(), recording(Mode.AUTO_ON, AUDIO), Mode.AUTO_ON, AUDIO),
        (recording(Mode.AUTO_ON), CallSettingsRequest(), Mode.AUTO_ON, DEFAULT_OUTPUT_TYPES),
    ],
)
def test_a_call_goes_before_its_type_and_that_before_the_defaults(
    call: CallSettingsRequest | None,
    call_type: CallSettingsRequest | None,
    mode: Mode,
    outputs: tuple[OutputType, ...],
) -> None:
    section = resolve_settings(call, call_type).individual_recording
    assert (section.mode, section.output_types) == (mode, outputs)


def test_an_installation_may_have_defaults_of_its_own() -> None:
    section = IndividualRecordingSettingsResponse(mode=Mode.AUTO_ON, output_types=AUDIO)
    default = CallSettingsResponse(individual_recording=section)
    assert resolve_settings(None, None, default).individual_recording == section
    disabled = resolve_settings(None, recording(Mode.DISABLED), default)
    assert disabled.individual_recording.output_types == AUDIO


def test_each_section_comes_from_the_level_that_has_it() -> None:
    call = CallSettingsRequest(audio=AudioSettingsRequest(default_device="earpiece"))
    call_type = CallSettingsRequest(
        audio=AudioSettingsRequest(default_device="speaker", mic_default_on=False),
        video=VideoSettingsRequest(enabled=False),
    )
    settings = resolve_settings(call, call_type)
    assert settings.audio.default_device == "earpiece"
    assert settings.audio.mic_default_on is False
    assert settings.video.enabled is False
    assert settings.screensharing == DEFAULT_SETTINGS.screensharing


def test_what_is_not_done_here_is_off_whatever_is_asked_for() -> None:
    call = CallSettingsRequest(recording=RecordSettingsRequest(mode=Mode.AUTO_ON))
    assert resolve_settings(call, call).recording.mode == "disabled"


def test_a_section_of_a_change_takes_the_place_of_the_one_that_was_there() -> None:
    before = CallSettingsRequest(
        audio=AudioSettingsRequest(default_device="speaker", mic_default_on=False),
        video=VideoSettingsRequest(enabled=False),
    )
    change = CallSettingsRequest(audio=AudioSettingsRequest(default_device="earpiece"))
    assert overridden(before, change) == CallSettingsRequest(
        audio=AudioSettingsRequest(default_device="earpiece"),
        video=VideoSettingsRequest(enabled=False),
    )
    assert overridden(before, None) == before
    assert overridden(None, change) == change
    assert overridden(None, None) is None
