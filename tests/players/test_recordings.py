"""The files that are played have in them what the calls were made for."""

from __future__ import annotations

from itertools import groupby

import av
import pytest

from tests.players.calls import LARGE, SMALL, TALL, VIDEO
from tests.players.recordings import Recorded, Recorder
from tests.turned_camera import HEIGHT, WIDTH

pytestmark = pytest.mark.players

LANDSCAPE, PORTRAIT = (WIDTH, HEIGHT), (HEIGHT, WIDTH)
BLACK_AT_S = 2.5
"""Amid the mute, which lasts from 1.5 s to 4 s."""

SIZES = {
    **{f"resized-{codec}": [SMALL, TALL, LARGE] for codec in VIDEO},
    **{f"turned-{codec}": [LANDSCAPE, PORTRAIT, LANDSCAPE] for codec in VIDEO},
    "turned-metadata": [LANDSCAPE],
    "two-cameras": [SMALL, LARGE],
    "simulcast-vp8": [LARGE, SMALL, LARGE],
    "simulcast-h264": [LARGE, SMALL, LARGE],
    "simulcast-one-layer": [SMALL],
    "vp9-svc-l3t3": [(320, 192)],
}


def _video_only(files: list[Recorded]) -> Recorded:
    return next(file for file in files if "_video_only_" in file.path.name)


@pytest.mark.parametrize("name", SIZES)
def test_pictures_change_their_size_as_they_did_in_the_call(name: str, recorder: Recorder) -> None:
    with av.open(str(_video_only(recorder(name)).path)) as container:
        shown = [(picture.width, picture.height) for picture in container.decode(video=0)]
    assert [size for size, _ in groupby(shown)] == SIZES[name]


@pytest.mark.parametrize("codec", VIDEO)
def test_a_muted_camera_is_black_where_that_was_chosen(codec: str, recorder: Recorder) -> None:
    with av.open(str(_video_only(recorder(f"black-{codec}")).path)) as container:
        before = [
            p for p in container.decode(video=0) if p.time is not None and p.time <= BLACK_AT_S
        ]
    assert before[-1].to_ndarray(format="gray").mean() < 5
    assert before[0].to_ndarray(format="gray").mean() > 40


@pytest.mark.parametrize("codec", VIDEO)
def test_pictures_that_need_a_lost_one_are_left_out(codec: str, recorder: Recorder) -> None:
    track = _video_only(recorder(f"damaged-{codec}")).video
    assert track is not None
    assert len(track.blocks) == 120 - 20 - 25  # frames 40 to 59, and from 95 on


def test_a_late_camera_begins_two_seconds_behind_the_microphone(recorder: Recorder) -> None:
    (file,) = [file for file in recorder("late-camera") if len(file.tracks) == 2]
    starts = {track.is_video: track.times_ms[0] for track in file.tracks}
    assert starts[True] - starts[False] == pytest.approx(2000, abs=20)


def test_a_second_codec_is_a_further_track(recorder: Recorder) -> None:
    file = _video_only(recorder("two-cameras-two-codecs"))
    assert [track.codec for track in file.tracks] == ["vp8", "h264"]
