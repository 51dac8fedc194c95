"""Headless Chromium plays every recording file of which it has the codec, and seeks in it.

Of what it lacks it says so: a file of nothing else is refused, of others it plays the rest.
"""

from __future__ import annotations

from itertools import groupby

import av
import pytest

from tests.players.chromium import Chromium
from tests.players.places import places_in, shown_at
from tests.players.recordings import Recorded, TrackOf

pytestmark = pytest.mark.players

LACKING = {"h265", "g722"}
"""H.265 it decodes in hardware only, G.722 not at all."""

INTO_A_FRAME_S = 0.0005
"""It counts microseconds and rounds down: 7.715 s would be before what begins at 7715 ms."""

NOTHING_SUPPORTED = "DEMUXER_ERROR_NO_SUPPORTED_STREAMS"


def _playing(file: Recorded) -> TrackOf | None:
    """The track that shows: the first picture it has the codec of, else the sound."""
    tracks = [track for track in file.tracks if track.codec not in LACKING]
    return next((track for track in tracks if track.is_video), tracks[0] if tracks else None)


def test_it_plays_to_the_end_and_seeks(recording: list[Recorded], chromium: Chromium) -> None:
    for file in recording:
        name, track = file.path.name, _playing(file)
        if track is None:
            assert NOTHING_SUPPORTED in str(chromium.play(file.path).error), name
            continue
        places = places_in(file, track)
        played = chromium.play(file.path, seeks=[place / 1000 + INTO_A_FRAME_S for place in places])
        assert played.error is None, name
        assert round(played.duration * 1000) == file.duration_ms, name
        assert round(played.end * 1000) == pytest.approx(file.duration_ms, abs=1), name
        for place, sought in zip(places, played.seeks, strict=True):
            assert sought.advanced, f"{name}: {place} ms"
            if track.is_video:
                assert sought.shown is not None
                assert round(sought.shown * 1000) == shown_at(track, place), f"{name}: {place} ms"
        if track.is_video:
            assert played.frames == len(track.blocks), name


def test_it_follows_every_change_of_size(recording: list[Recorded], chromium: Chromium) -> None:
    for file in recording:
        track = _playing(file)
        if track is None or not track.is_video:
            continue
        lasting = _lasting_sizes(file)
        if len(lasting) > 1:
            told = iter(chromium.play(file.path, rate=2).sizes)
            assert [size for size in lasting if size not in told] == [], file.path.name


SEEN_MS = 500
"""A size that lasts so long is told of before the next one comes."""


def _lasting_sizes(file: Recorded) -> list[tuple[int, int]]:
    """Of the pictures as FFmpeg decodes them, in the order they come."""
    with av.open(str(file.path)) as container:
        pictures = [
            ((picture.width, picture.height), picture.time or 0)
            for picture in container.decode(video=0)
        ]
    starts = [next(same) for _, same in groupby(pictures, key=lambda picture: picture[0])]
    ends = [*(time for _, time in starts[1:]), file.duration_ms / 1000]
    return [
        size
        for (size, start), end in zip(starts, ends, strict=True)
        if end - start >= SEEN_MS / 1000
    ]
