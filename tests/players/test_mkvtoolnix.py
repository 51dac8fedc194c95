"""mkvtoolnix, the strictest reader of Matroska, has nothing to say against any recording file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from isotrack.codecs.nal import nal_units
from tests.players.recordings import Recorded
from tests.players.running import run

pytestmark = pytest.mark.players

NAMES = {
    "vp8": "VP8",
    "vp9": "VP9",
    "h264": "AVC/H.264/MPEG-4p10",
    "h265": "HEVC/H.265/MPEG-H",
    "av1": "AV1",
    "opus": "Opus",
    "pcma": "unknown, format tag 0x0006",
    "pcmu": "unknown, format tag 0x0007",
    "g722": "unknown, format tag 0x028f",
}
"""What mkvmerge calls the codecs. For WAVE formats that it copies as they are (A_MS/ACM) it has no
name, and says so: that is neither a warning nor an error of it."""

COMPLAINT = re.compile(r"warning|error|unknown|invalid|corrupt|unsupported", re.IGNORECASE)


def test_mkvinfo_knows_every_element(
    recording: list[Recorded], program: Callable[[str], str]
) -> None:
    for file in recording:
        said = run([program("mkvinfo"), "-a", file.path])
        assert (said.status, said.err) == (0, "")
        complaints = [line for line in said.out.splitlines() if COMPLAINT.search(line)]
        assert [line for line in complaints if not _names_a_format(line)] == [], file.path.name
        assert said.out.count("+ Simple block") == len(file.matroska.blocks)


def _names_a_format(line: str) -> bool:
    return any(name.removeprefix("unknown, ") in line for name in NAMES.values())


def test_mkvmerge_identifies_every_track_without_a_warning(
    recording: list[Recorded], program: Callable[[str], str]
) -> None:
    for file in recording:
        said = run([program("mkvmerge"), "-J", file.path])
        found = json.loads(said.out)
        assert (said.status, found["warnings"], found["errors"]) == (0, [], []), file.path.name
        names = [track["codec"] for track in found["tracks"]]
        assert names == [NAMES[track.codec] for track in file.tracks], file.path.name


def test_mkvmerge_remuxes_every_frame_at_its_time_without_a_warning(
    recording: list[Recorded], program: Callable[[str], str], tmp_path: Path
) -> None:
    for file in recording:
        again = tmp_path / file.path.name
        said = run([program("mkvmerge"), "-o", again, file.path])
        assert said.status == 0, f"{file.path.name}: {said.out}"
        assert not COMPLAINT.search(said.out), f"{file.path.name}: {said.out}"
        for before, after in zip(_frames(file.path), _frames(again), strict=True):
            assert len(before) == len(after), file.path.name
            for (time, *frame), (time_again, *frame_again) in zip(before, after, strict=True):
                assert frame == frame_again, f"{file.path.name}: at {time} ms"
                assert time_again == pytest.approx(time, abs=ROUNDING_MS), file.path.name


ROUNDING_MS = 0.6
"""mkvmerge counts sound in samples where a file has nothing else."""


def _frames(path: Path) -> list[list[tuple[float, bool, bytes]]]:
    """Milliseconds, keyframe flag and bytes of each packet of each track."""
    found: list[list[tuple[float, bool, bytes]]] = []
    with av.open(str(path)) as container:
        found += [[] for _ in container.streams]
        for packet in container.demux():
            if packet.pts is not None and packet.time_base is not None:
                time_ms = float(packet.pts * packet.time_base * 1000)
                frame = bytes(packet)
                if packet.stream.codec_context.name == "h264":
                    frame = _without_delimiters(frame)
                found[packet.stream.index].append((time_ms, packet.is_keyframe, frame))
    return found


def _without_delimiters(frame: bytes) -> bytes:
    """An H.264 frame without its access unit delimiter, which mkvmerge takes out."""
    return b"".join(unit for unit in nal_units(frame) if unit[0] & 31 != 9)
