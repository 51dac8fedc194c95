"""GStreamer decodes every frame of every recording file, and seeks in it."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.players.places import LONGEST_CLUSTER_MS, places_in, shown_at
from tests.players.recordings import Recorded, TrackOf
from tests.players.running import run

pytestmark = pytest.mark.players

ENVIRONMENT = os.environ | {"GST_DEBUG": "ERROR", "GST_DEBUG_NO_COLOR": "1"}
SEEKING = Path(__file__).with_name("gstreamer_seeking.py")

_PASSED = re.compile(r"GstIdentity:\w+: last-message = chain ")
_COMPLAINT = re.compile(r"^(ERROR|WARNING):?.*", re.MULTILINE)


def pads(file: Recorded) -> Iterator[tuple[TrackOf, str]]:
    """The demuxer's pad of each track."""
    seen: Counter[str] = Counter()
    for track in file.tracks:
        kind = "video" if track.is_video else "audio"
        yield track, f"{kind}_{seen[kind]}"
        seen[kind] += 1


def test_every_frame_is_decoded_without_an_error(
    recording: list[Recorded], program: Callable[[str], str]
) -> None:
    for file in recording:
        for track, pad in pads(file):
            graph = ["filesrc", f"location={file.path}", "!", "matroskademux", "name=d"]
            graph += [f"d.{pad}", "!", "queue", "!", "decodebin", "!"]
            graph += ["identity", "silent=false", "!", "fakesink", "sync=false"]
            said = run([program("gst-launch-1.0"), "-v", *graph], ENVIRONMENT)
            complaints = [each[0] for each in _COMPLAINT.finditer(said.out + said.err)]
            assert (said.status, complaints, said.err) == (0, [], ""), file.path.name
            assert len(_PASSED.findall(said.out)) == len(track.blocks), f"{file.path.name}: {pad}"


def test_seeking_lands_on_the_keyframe_before_and_on_the_place_itself(
    recording: list[Recorded],
) -> None:
    for file in recording:
        track, pad = next((each for each in pads(file) if each[0].is_video), next(pads(file)))
        places = places_in(file, track)
        said = run([sys.executable, SEEKING, file.path, pad, *places], ENVIRONMENT)
        assert (said.status, said.err) == (0, ""), file.path.name
        duration, *sought, end = said.out.splitlines()
        assert (int(duration), end) == (file.duration_ms, "end")
        keys = [block.time_ms for block in track.blocks if block.keyframe]
        for place, landed in zip(places, sought, strict=True):
            at_keyframe, exact = map(int, landed.split())
            if track.is_video:
                assert at_keyframe == max(key for key in keys if key <= place), file.path.name
                assert shown_at(track, place) <= exact <= place, file.path.name
            else:
                assert place - LONGEST_CLUSTER_MS <= at_keyframe <= place, file.path.name
                assert abs(exact - place) <= 20, file.path.name
