"""The calls that the end-to-end tests play, as data."""

from __future__ import annotations

from collections.abc import Iterator

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

ANN = Participant(
    user_id="ann",
    user_session_id="ann-1",
    beep_hz=1_000,
    clock_offset_ms=-4_000,
    clock_drift_ppm=30,
    seed=11,
    actions=(
        Join(at_ms=0),
        Publish(at_ms=300, track=AUDIO, codec="opus"),
        Publish(at_ms=500, track=VIDEO, codec="vp8", width=320, height=180, fps=25),
        Publish(at_ms=3_300, track=SCREEN_VIDEO, codec="vp8", width=640, height=480, fps=5),
        Publish(at_ms=3_300, track=SCREEN_AUDIO, codec="opus"),
        Mute(at_ms=4_300, track=AUDIO),
        Unmute(at_ms=6_700, track=AUDIO),
        Mute(at_ms=7_300, track=VIDEO),
        Unmute(at_ms=8_600, track=VIDEO),
        Unpublish(at_ms=9_400, track=SCREEN_VIDEO),
        Unpublish(at_ms=9_400, track=SCREEN_AUDIO),
        Leave(at_ms=10_600),
    ),
)
BEN = Participant(
    user_id="ben",
    user_session_id="ben-1",
    beep_hz=800,
    clock_offset_ms=60_000,
    clock_drift_ppm=-50,
    seed=12,
    actions=(
        Join(at_ms=1_200),
        Publish(at_ms=1_300, track=AUDIO, codec="opus"),
        Leave(at_ms=12_500),
    ),
)
CAT = Participant(
    user_id="cat",
    user_session_id="cat-1",
    beep_hz=1_250,
    clock_offset_ms=700,
    seed=13,
    actions=(
        Join(at_ms=1_500),
        Publish(at_ms=1_600, track=VIDEO, codec="h264", width=320, height=180, fps=25),
        Leave(at_ms=9_500),
    ),
)
DAN = Participant(
    user_id="dan",
    user_session_id="dan-1",
    beep_hz=1_600,
    clock_offset_ms=-86_400_000,
    clock_drift_ppm=10,
    link=Link(delay_ms=20, reorder=0.03),
    seed=14,
    actions=(
        Join(at_ms=2_200),
        Publish(at_ms=2_300, track=AUDIO, codec="opus"),
        Publish(at_ms=2_300, track=VIDEO, codec="h264", width=320, height=180, fps=25),
        Rotate(at_ms=6_440, track=VIDEO),
        Leave(at_ms=12_500),
    ),
)

TOGETHER = Scenario(
    call=Call(call_type="default", call_id="together"),
    participants=(ANN, BEN, CAT, DAN),
    stop_ms=11_500,
)
"""Four people, every kind of file, a mute of each kind, a turned phone, a slow link."""


def _alone(call_id: str, *, stop_ms: int, video: bool) -> Scenario:
    camera = (Publish(at_ms=300, track=VIDEO, codec="vp8", width=320, height=180, fps=25),)
    eve = Participant(
        user_id="eve",
        user_session_id=f"eve-{call_id}",
        beep_hz=900,
        seed=15,
        actions=(
            Join(at_ms=0),
            Publish(at_ms=300, track=AUDIO, codec="opus"),
            *(camera if video else ()),
            Leave(at_ms=stop_ms + 500),
        ),
    )
    call = Call(call_type="default", call_id=call_id)
    return Scenario(call=call, participants=(eve,), stop_ms=stop_ms)


REFUSED = _alone("refused", stop_ms=2_500, video=False)
"""The webhook refuses the file of this call."""

AGAIN = _alone("again", stop_ms=2_500, video=False)
"""The files of this call are made again."""

INTERRUPTED = _alone("interrupted", stop_ms=20_500, video=True)
"""The agent is killed in this call, and started again."""


def stretches(person: Participant, track: TrackType, stop_ms: int) -> Iterator[tuple[int, int]]:
    """When a track of a participant plays and is recorded: from and to, call time in ms."""
    since: int | None = None
    for action in person.actions:
        if not isinstance(action, Leave) and getattr(action, "track", None) is not track:
            continue
        if isinstance(action, Publish | Unmute):
            since = action.at_ms
        elif isinstance(action, Mute | Unpublish | Leave) and since is not None:
            if since < stop_ms:
                yield since, min(action.at_ms, stop_ms)
            since = None
