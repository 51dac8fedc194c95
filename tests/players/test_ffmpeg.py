"""FFmpeg decodes every frame of every recording file, and seeks in it.

Its null muxer wants times that grow in the time base of an encoder, which the command line derives
from a guessed frame rate: pictures closer together than that are then "non monotonically
increasing", whatever the file says. `-fps_mode passthrough -enc_time_base -1` has it take each
picture as it is, on the demuxer's clock of milliseconds: what is left to complain of is the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.players.places import LONGEST_CLUSTER_MS, places_in
from tests.players.recordings import Recorded, TrackOf
from tests.players.running import run

pytestmark = pytest.mark.players

STRICT = ("-v", "error", "-xerror", "-err_detect", "explode")
AS_IT_IS = ("-fps_mode", "passthrough", "-enc_time_base", "-1")
_ROW = re.compile(r"(\d+), +-?\d+, +(-?\d+),")
"""Of framecrc: stream, dts, pts."""


def test_every_frame_is_decoded_at_its_time_without_an_error(
    recording: list[Recorded], program: Callable[[str], str]
) -> None:
    for file in recording:
        command = [program("ffmpeg"), *STRICT, "-i", file.path, "-map", "0", *AS_IT_IS]
        said = run([*command, "-f", "framecrc", "-"])
        assert (said.status, said.err) == (0, ""), file.path.name
        rows = [(int(row[1]), int(row[2])) for row in _ROW.finditer(said.out)]
        for index, track in enumerate(file.tracks):
            shown = [time for stream, time in rows if stream == index]
            if track.is_video:
                assert shown == track.times_ms, f"{file.path.name}: track {track.number}"
            else:  # whose clock is in samples
                assert len(shown) == len(track.blocks), f"{file.path.name}: track {track.number}"


def test_seeking_lands_on_the_keyframe_at_or_before(
    recording: list[Recorded], program: Callable[[str], str]
) -> None:
    for file in recording:
        track = file.video or file.tracks[0]
        places = places_in(file, track)
        found = _first_packets(program("ffprobe"), file.path, track, places)
        keys = [block.time_ms for block in track.blocks if block.keyframe]
        for place, (landed, is_keyframe) in zip(places, found, strict=True):
            assert is_keyframe
            if track.is_video:
                assert landed == max(key for key in keys if key <= place), file.path.name
            else:
                assert place - LONGEST_CLUSTER_MS <= landed <= place, file.path.name


def _first_packets(
    program: str, path: Path, track: TrackOf, places: Sequence[int]
) -> list[tuple[int, bool]]:
    """The packet that reading goes on with after each seek, and whether it is of a keyframe."""
    intervals = ",".join(f"{place / 1000}%+#1" for place in places)
    command = [program, "-v", "error", "-select_streams", track.number - 1]
    command += ["-read_intervals", intervals, "-show_entries", "packet=pts_time,flags"]
    said = run([*command, "-of", "json", path])
    assert (said.status, said.err) == (0, ""), path.name
    packets = json.loads(said.out)["packets"]
    return [(round(float(each["pts_time"]) * 1000), "K" in each["flags"]) for each in packets]


def test_decoding_from_a_place_shows_the_picture_of_that_time(
    recording: list[Recorded], program: Callable[[str], str], tmp_path: Path
) -> None:
    for file in recording:
        if file.video is None:
            continue
        places = places_in(file, file.video)
        command: list[object] = [program("ffmpeg"), *STRICT, "-y", "-copyts"]
        for place in places:
            command += ["-ss", place / 1000, "-i", file.path]
        for number in range(len(places)):
            command += ["-map", f"{number}:{file.video.number - 1}", *AS_IT_IS]
            command += ["-frames:v", 1, "-f", "framecrc", tmp_path / str(number)]
        said = run(command)
        assert (said.status, said.err) == (0, ""), file.path.name
        for number, place in enumerate(places):
            (row,) = _ROW.finditer((tmp_path / str(number)).read_text())
            wanted = next(time for time in file.video.times_ms if time >= place)
            assert int(row[2]) == wanted, f"{file.path.name}: {place} ms"
