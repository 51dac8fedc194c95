from __future__ import annotations

import pytest

from isotrack.calls.call_types import BUILT_IN, CallType
from isotrack.calls.grants import DEFAULT_GRANTS
from isotrack.calls.settings import resolve_settings
from isotrack.contract.call_types import CreateCallTypeRequest, UpdateCallTypeRequest
from isotrack.contract.media_settings import VideoSettingsRequest
from isotrack.contract.recording_settings import IndividualRecordingSettingsRequest
from isotrack.contract.settings import CallSettingsRequest
from isotrack.recording.outputs import OutputType
from isotrack.recording.settings import Mode
from tests.builders import NOON, at

AUTO_ON = CallSettingsRequest(
    individual_recording=IndividualRecordingSettingsRequest(
        mode=Mode.AUTO_ON, output_types=(OutputType.AUDIO_ONLY,)
    )
)


def webinar() -> CallType:
    return CallType.create(
        CreateCallTypeRequest(name="webinar", settings=AUTO_ON, grants={"speaker": ("read-call",)}),
        NOON,
    )


def test_a_call_type_has_the_default_grants_of_roles_it_says_nothing_of() -> None:
    made = webinar()
    assert made.grants == {**DEFAULT_GRANTS, "speaker": ("read-call",)}
    assert made.settings == AUTO_ON
    assert (made.created_at, made.updated_at, made.version) == (NOON, NOON, 0)


def test_a_change_replaces_the_sections_and_the_roles_it_names() -> None:
    video = VideoSettingsRequest(enabled=False)
    request = UpdateCallTypeRequest(
        settings=CallSettingsRequest(video=video),
        grants={"user": ("read-call", "start-recording-owner", "nobody-knows-this")},
    )
    changed = webinar().update(request, at(5))
    assert changed.settings.video == video
    assert changed.settings.individual_recording == AUTO_ON.individual_recording
    assert changed.grants["user"] == ("read-call", "start-recording-owner", "nobody-knows-this")
    assert changed.grants["speaker"] == ("read-call",)
    assert (changed.created_at, changed.updated_at) == (NOON, at(5))


def test_a_change_of_nothing_changes_nothing_but_the_time() -> None:
    changed = webinar().update(UpdateCallTypeRequest(), at(5))
    assert changed == webinar().model_copy(update={"updated_at": at(5)})


def test_grants_of_a_role_can_be_taken_away() -> None:
    changed = webinar().update(UpdateCallTypeRequest(grants={"call_member": ()}), at(5))
    assert changed.grants["call_member"] == ()


def test_an_empty_name_of_a_storage_is_ours_again() -> None:
    stored = webinar().update(UpdateCallTypeRequest(external_storage="theirs"), at(5))
    assert stored.external_storage == "theirs"
    assert stored.update(UpdateCallTypeRequest(), at(6)).external_storage == "theirs"
    ours = stored.update(UpdateCallTypeRequest(external_storage=""), at(6))
    assert ours.external_storage is None


def test_four_call_types_are_built_in() -> None:
    assert sorted(BUILT_IN) == ["audio_room", "default", "development", "livestream"]


@pytest.mark.parametrize(
    ("name", "mic", "video", "screensharing", "width"),
    [
        ("default", True, True, True, 2560),
        ("development", True, True, True, 1920),
        ("livestream", False, True, True, 1920),
        ("audio_room", False, False, False, 1280),
    ],
)
def test_those_built_in_differ_in_what_is_published(
    name: str, mic: bool, video: bool, screensharing: bool, width: int
) -> None:
    settings = resolve_settings(None, BUILT_IN[name].settings)
    assert settings.audio.mic_default_on is mic
    assert settings.video.enabled is video
    assert settings.screensharing.enabled is screensharing
    assert settings.video.target_resolution.width == width
    assert settings.individual_recording.mode is Mode.AVAILABLE


def test_a_call_type_comes_back_from_its_json_as_it_went_in() -> None:
    for call_type in (*BUILT_IN.values(), webinar()):
        assert CallType.model_validate_json(call_type.model_dump_json()) == call_type
