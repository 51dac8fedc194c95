from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.contract.call_types import UpdateCallTypeRequest
from isotrack.contract.calls import GetOrCreateCallRequest, UpdateCallRequest
from isotrack.contract.settings import (
    DEFAULT_SETTINGS,
    CallSettingsRequest,
    CallSettingsResponse,
)
from isotrack.recording.errors import Invalid
from isotrack.recording.outputs import DEFAULT_OUTPUT_TYPES, OutputType
from isotrack.recording.settings import Mode
from isotrack.recording.validation import requested
from tests.isotrack.contract.examples import ASKED

SECTIONS = set(CallSettingsResponse.model_fields)


def parsed(**sections: object) -> CallSettingsRequest:
    return requested(CallSettingsRequest, json.dumps(sections))


def refusal(**sections: object) -> str:
    with pytest.raises(Invalid) as refused:
        requested(UpdateCallRequest, json.dumps({"settings_override": sections}))
    return str(refused.value)


def test_there_are_seventeen_sections_and_each_can_be_asked_for_and_is_answered() -> None:
    assert len(SECTIONS) == 17
    assert set(CallSettingsRequest.model_fields) == SECTIONS


def test_the_examples_ask_for_all_there_is() -> None:
    def all_said(value: object) -> bool:
        if isinstance(value, dict):
            return all(all_said(inner) for inner in value.values())
        return value is not None

    silent = {
        name: {field for field, value in section.items() if value is None}
        for name, section in ASKED.model_dump().items()
    }
    assert ASKED.model_fields_set == SECTIONS
    assert {name for name, fields in silent.items() if fields} == {
        "audio",
        "screensharing",
        "video",
    }, "these have many switches, of which one is enough"


def test_defaults_have_every_section_and_record_what_the_reference_does() -> None:
    individual = DEFAULT_SETTINGS.individual_recording
    assert individual.mode is Mode.AVAILABLE
    assert individual.output_types == DEFAULT_OUTPUT_TYPES
    assert set(json.loads(DEFAULT_SETTINGS.model_dump_json())) == SECTIONS


def on(value: object, place: str = "") -> set[str]:
    """The switches that are on, and the modes other than disabled."""
    if not isinstance(value, dict):
        switch = place.rpartition(".")[2] in ("mode", "closed_caption_mode", "enabled", "auto_on")
        return {place} if switch and value not in (False, "disabled") else set()
    return {found for key, inner in value.items() for found in on(inner, f"{place}.{key}")}


@pytest.mark.parametrize("settings", [DEFAULT_SETTINGS, ASKED.over(DEFAULT_SETTINGS)])
def test_what_is_not_done_here_is_off_whether_asked_for_or_not(
    settings: CallSettingsResponse,
) -> None:
    assert on(json.loads(settings.model_dump_json())) - {".audio.noise_cancellation.mode"} == {
        ".individual_recording.mode",
        ".screensharing.enabled",
        ".video.enabled",
    }


def test_a_section_replaces_the_one_below_and_leaves_the_others() -> None:
    settings = parsed(
        individual_recording={"mode": "auto-on", "output_types": ["audio_only"]},
        video={"camera_facing": "back"},
    ).over(DEFAULT_SETTINGS)
    assert settings.individual_recording.mode is Mode.AUTO_ON
    assert settings.individual_recording.output_types == (OutputType.AUDIO_ONLY,)
    assert settings.video.camera_facing == "back"
    assert settings.video.target_resolution == DEFAULT_SETTINGS.video.target_resolution
    untouched = {"individual_recording", "video"}
    assert settings.model_dump(exclude=untouched) == DEFAULT_SETTINGS.model_dump(exclude=untouched)


def test_levels_of_settings_are_put_together_from_below() -> None:
    call_type = parsed(
        individual_recording={"mode": "available", "output_types": ["video_only"]},
        ring={"auto_cancel_timeout_ms": 6000, "incoming_call_timeout_ms": 7000},
    )
    call = parsed(individual_recording={"mode": "disabled"})
    settings = call.over(call_type.over(DEFAULT_SETTINGS))
    assert settings.individual_recording.mode is Mode.DISABLED
    assert settings.individual_recording.output_types == (OutputType.VIDEO_ONLY,)
    assert settings.ring.incoming_call_timeout_ms == 7000


def test_asking_for_nothing_changes_nothing() -> None:
    assert CallSettingsRequest().over(DEFAULT_SETTINGS) == DEFAULT_SETTINGS
    settings = ASKED.over(DEFAULT_SETTINGS)
    assert ASKED.over(settings) == settings
    assert CallSettingsRequest().over(settings) == settings


def test_all_six_output_types_are_taken_once_each_and_in_order() -> None:
    every = [*reversed(OutputType), OutputType.AUDIO_ONLY]
    settings = parsed(individual_recording={"mode": "available", "output_types": every})
    assert settings.individual_recording is not None
    assert settings.individual_recording.output_types == tuple(OutputType)


def test_unknown_fields_and_sections_are_ignored() -> None:
    settings = parsed(individual_recording={"mode": "available", "new": 1}, newer={"a": 1})
    assert settings == parsed(individual_recording={"mode": "available"})


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        (
            {"individual_recording": {"mode": "always"}},
            "settings_override.individual_recording.mode: "
            "Input should be 'disabled', 'available' or 'auto-on'",
        ),
        (
            {"individual_recording": {}},
            "settings_override.individual_recording.mode: Field required",
        ),
        (
            {"individual_recording": {"mode": "available", "output_types": []}},
            "settings_override.individual_recording.output_types: ",
        ),
        (
            {"individual_recording": {"mode": "available", "output_types": ["audio_video", "x"]}},
            "settings_override.individual_recording.output_types.1: Input should be 'audio_only'",
        ),
        ({"individual_recording": "on"}, "settings_override.individual_recording: "),
        ({"audio": {}}, "settings_override.audio.default_device: Field required"),
        ({"audio": {"default_device": "tuba"}}, "settings_override.audio.default_device: "),
        (
            {"audio": {"default_device": "speaker", "noise_cancellation": {"mode": 1}}},
            "settings_override.audio.noise_cancellation.mode: ",
        ),
        (
            {"broadcasting": {"hls": {"quality_tracks": []}}},
            "settings_override.broadcasting.hls.quality_tracks: ",
        ),
        (
            {"broadcasting": {"rtmp": {"quality": "8K"}}},
            "settings_override.broadcasting.rtmp.quality: ",
        ),
        ({"encryption": {"mode": "on"}}, "settings_override.encryption.mode: "),
        (
            {"frame_recording": {"mode": "disabled", "capture_interval_in_seconds": 1}},
            "settings_override.frame_recording.capture_interval_in_seconds: ",
        ),
        ({"geofencing": {"names": "all"}}, "settings_override.geofencing.names: "),
        (
            {"ingress": {"audio_encoding_options": {"bitrate": 1, "channels": 2}}},
            "settings_override.ingress.audio_encoding_options.bitrate: ",
        ),
        ({"limits": {"max_duration_seconds": -1}}, "settings_override.limits.max_duration_seconds"),
        ({"limits": {"max_participants": 10**30}}, "settings_override.limits.max_participants: "),
        ({"raw_recording": {}}, "settings_override.raw_recording.mode: Field required"),
        ({"recording": {"mode": "available", "quality": "1p"}}, "settings_override.recording."),
        (
            {"recording": {"mode": "available", "layout": {"name": "pile"}}},
            "settings_override.recording.layout.name: ",
        ),
        (
            {"ring": {"auto_cancel_timeout_ms": 4999, "incoming_call_timeout_ms": 5000}},
            "settings_override.ring.auto_cancel_timeout_ms: ",
        ),
        (
            {"screensharing": {"target_resolution": {"width": 100, "height": 1080}}},
            "settings_override.screensharing.target_resolution.width: ",
        ),
        (
            {"session": {"inactivity_timeout_seconds": 901}},
            "settings_override.session.inactivity_timeout_seconds: ",
        ),
        ({"thumbnails": {"enabled": "perhaps"}}, "settings_override.thumbnails.enabled: "),
        ({"transcription": {"language": "xx"}}, "settings_override.transcription.language: "),
        (
            {"transcription": {"translation": {"languages": ["auto"]}}},
            "settings_override.transcription.translation.languages.0: ",
        ),
        ({"video": {"camera_facing": "up"}}, "settings_override.video.camera_facing: "),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_field(
    sections: dict[str, Any], message: str
) -> None:
    assert refusal(**sections).startswith(message)


def test_fields_are_named_from_the_top_of_each_request() -> None:
    wrong = {"individual_recording": {"mode": "x"}}
    with pytest.raises(Invalid, match=r"^data\.settings_override\.individual_recording\.mode: "):
        requested(GetOrCreateCallRequest, json.dumps({"data": {"settings_override": wrong}}))
    with pytest.raises(Invalid, match=r"^settings\.individual_recording\.mode: "):
        requested(UpdateCallTypeRequest, json.dumps({"settings": wrong}))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
sections = st.dictionaries(st.sampled_from(sorted(SECTIONS)), anything, max_size=4)


@given(sections)
def test_hostile_sections_are_refused_by_name_or_taken_and_then_answered(
    sections: dict[str, object],
) -> None:
    refused = None
    try:
        asked = requested(CallSettingsRequest, json.dumps(sections))
    except Invalid as error:
        refused = str(error)
    if refused is None:
        assert asked.over(DEFAULT_SETTINGS).model_dump_json()
    else:
        assert refused.partition(".")[0].partition(":")[0] in sections
