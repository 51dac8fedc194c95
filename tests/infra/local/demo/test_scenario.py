"""Scenarios: what is refused, and what they promise."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from infra.local.demo.premiere import premiere
from infra.local.demo.promises import promises
from infra.local.demo.scenario import (
    Action,
    Join,
    Leave,
    Participant,
    Publish,
    Scenario,
    Unpublish,
)
from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import Call, TrackType

LEAVE = Leave(at_ms=9_000)


def _person(*actions: Action) -> Participant:
    return Participant(user_id="ann", user_session_id="ann-1", beep_hz=1_000, actions=actions)


def _scenario(*actions: Action) -> Scenario:
    call = Call(call_type="default", call_id="c")
    return Scenario(call=call, participants=(_person(*actions),), stop_ms=5_000)


def _publish(track: TrackType, at_ms: int = 100) -> Publish:
    codec = "opus" if track.kind == "audio" else "vp8"
    return Publish(at_ms=at_ms, track=track, codec=codec)  # type: ignore[arg-type]


def test_the_demo_promises_two_files_of_alice_and_one_of_each_other() -> None:
    assert premiere("x").expected_outputs() == {
        "alice-1": (OutputType.AUDIO_VIDEO, OutputType.SCREENSHARE_AUDIO_VIDEO),
        "bob-1": (OutputType.AUDIO_ONLY,),
        "carol-1": (OutputType.VIDEO_ONLY,),
        "dave-1": (OutputType.AUDIO_VIDEO,),
    }


def test_a_track_published_after_the_recording_has_stopped_promises_nothing() -> None:
    scenario = _scenario(
        Join(at_ms=0), _publish(TrackType.AUDIO), _publish(TrackType.VIDEO, 5_000), LEAVE
    )
    assert scenario.expected_outputs() == {"ann-1": (OutputType.AUDIO_ONLY,)}


def test_an_unpublished_track_still_has_its_file() -> None:
    scenario = _scenario(
        Join(at_ms=0),
        _publish(TrackType.VIDEO),
        Unpublish(at_ms=2_000, track=TrackType.VIDEO),
        LEAVE,
    )
    assert scenario.expected_outputs() == {"ann-1": (OutputType.VIDEO_ONLY,)}


def test_a_call_promises_its_start_its_stop_each_file_and_its_end() -> None:
    scenario = _scenario(Join(at_ms=0), _publish(TrackType.AUDIO), LEAVE)
    assert promises(scenario) == {
        ("call.recording_started", "", None),
        ("call.recording_stopped", "", None),
        ("call.recording_ready", "ann-1", OutputType.AUDIO_ONLY),
        ("call.recording_completed", "", None),
    }


def test_a_call_lasts_until_the_last_one_has_left() -> None:
    assert _scenario(Join(at_ms=0), LEAVE).duration_ms == 9_000


def test_a_scenario_can_be_written_as_json() -> None:
    scenario = premiere("x")
    assert Scenario.model_validate_json(scenario.model_dump_json()) == scenario


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        ((_publish(TrackType.AUDIO), LEAVE), "ann does not join first and leave last"),
        ((Join(at_ms=0),), "ann does not join first and leave last"),
        ((Join(at_ms=500), _publish(TrackType.AUDIO, 400), LEAVE), "not in order of time"),
    ],
)
def test_a_part_that_cannot_be_played_is_refused(actions: tuple[Action, ...], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        _person(*actions)


def test_a_microphone_cannot_publish_pictures() -> None:
    with pytest.raises(ValidationError, match="type audio cannot carry vp8"):
        Publish(at_ms=0, track=TrackType.AUDIO, codec="vp8")
