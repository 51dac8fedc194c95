"""The call that `make demo` plays: four people, one shared screen, one phone turned half-way."""

from __future__ import annotations

from infra.local.demo.scenario import (
    Join,
    Leave,
    Link,
    Mute,
    Participant,
    Publish,
    Rotate,
    Scenario,
    Unmute,
    Unpublish,
)
from isotrack.recording.tracks import Call, TrackType

AUDIO, VIDEO = TrackType.AUDIO, TrackType.VIDEO
SCREEN_AUDIO, SCREEN_VIDEO = TrackType.SCREENSHARE_AUDIO, TrackType.SCREENSHARE_VIDEO

_ALICE = Participant(
    user_id="alice",
    user_session_id="alice-1",
    beep_hz=1_000,
    clock_offset_ms=-2_700,
    clock_drift_ppm=40,
    seed=1,
    actions=(
        Join(at_ms=0),
        Publish(at_ms=0, track=AUDIO, codec="opus"),
        Publish(at_ms=200, track=VIDEO, codec="vp8"),
        Publish(
            at_ms=8_500,
            track=SCREEN_VIDEO,
            codec="vp8",
            width=1280,
            height=720,
            fps=5,
            bitrate_bps=800_000,
        ),
        Publish(at_ms=8_500, track=SCREEN_AUDIO, codec="opus"),
        Unpublish(at_ms=20_500, track=SCREEN_AUDIO),
        Unpublish(at_ms=20_500, track=SCREEN_VIDEO),
        Leave(at_ms=25_000),
    ),
)
_BOB = Participant(
    user_id="bob",
    user_session_id="bob-1",
    beep_hz=800,
    clock_offset_ms=91_000,
    clock_drift_ppm=-60,
    seed=2,
    actions=(
        Join(at_ms=1_500),
        Publish(at_ms=1_600, track=AUDIO, codec="opus"),
        Mute(at_ms=9_300, track=AUDIO),
        Unmute(at_ms=12_700, track=AUDIO),
        Leave(at_ms=25_000),
    ),
)
_CAROL = Participant(
    user_id="carol",
    user_session_id="carol-1",
    beep_hz=1_250,
    clock_offset_ms=450,
    seed=3,
    actions=(
        Join(at_ms=2_500),
        Publish(at_ms=2_600, track=VIDEO, codec="h264", width=480, height=270, fps=25),
        Leave(at_ms=18_000),
    ),
)
_DAVE = Participant(
    user_id="dave",
    user_session_id="dave-1",
    beep_hz=1_600,
    clock_offset_ms=-3_600_000,
    clock_drift_ppm=20,
    link=Link(delay_ms=15, reorder=0.02),
    seed=4,
    actions=(
        Join(at_ms=3_200),
        Publish(at_ms=3_300, track=AUDIO, codec="opus"),
        Publish(at_ms=3_300, track=VIDEO, codec="h264"),
        Rotate(at_ms=13_500, track=VIDEO),
        Leave(at_ms=25_000),
    ),
)


def premiere(call_id: str) -> Scenario:
    """The demo's call, under an id of its own so that each run is a new call."""
    return Scenario(
        call=Call(call_type="default", call_id=call_id),
        participants=(_ALICE, _BOB, _CAROL, _DAVE),
        stop_ms=24_000,
    )
