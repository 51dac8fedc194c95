"""The recording files that are played: `isotrack import` and `isotrack remux`, run in process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from isotrack.__main__ import main
from tests.captures import bundle
from tests.ebml_reader import Block, Element, Matroska, read_matroska
from tests.players.calls import CALLS
from tests.players.captured import captured, playable, tracks_of

OUTPUTS = [
    f"{source}{output}"
    for source in ("", "screenshare_")
    for output in ("audio_only", "video_only", "audio_video")
]
NAMES = (*CALLS, *playable())
"""Of the recordings: calls made for this, and captures."""


CODECS = {
    "V_VP8": "vp8",
    "V_VP9": "vp9",
    "V_MPEG4/ISO/AVC": "h264",
    "V_MPEGH/ISO/HEVC": "h265",
    "V_AV1": "av1",
    "A_OPUS": "opus",
}
WAVE_FORMATS = {0x0006: "pcma", 0x0007: "pcmu", 0x028F: "g722"}
"""RFC 2361."""


class TrackOf(NamedTuple):
    """A track of a file, as our own strict reader finds it."""

    number: int
    codec: str
    blocks: list[Block]

    @property
    def is_video(self) -> bool:
        return self.codec in ("vp8", "vp9", "h264", "h265", "av1")

    @property
    def times_ms(self) -> list[int]:
        """In the order in which it plays."""
        return sorted(block.time_ms for block in self.blocks)


class Recorded(NamedTuple):
    """A recording file."""

    path: Path
    matroska: Matroska

    @property
    def tracks(self) -> list[TrackOf]:
        return [self._track(entry) for entry in self.matroska.tracks]

    @property
    def video(self) -> TrackOf | None:
        """What a player shows that takes the first picture track."""
        return next((track for track in self.tracks if track.is_video), None)

    @property
    def duration_ms(self) -> int:
        return round(float(str(self.matroska.info.get("Duration"))))

    def _track(self, entry: Element) -> TrackOf:
        number = int(str(entry.get("TrackNumber")))
        blocks = [block for block in self.matroska.blocks if block.track == number]
        return TrackOf(number, _codec(entry), blocks)


def _codec(entry: Element) -> str:
    if entry.get("CodecID") == "A_MS/ACM":
        wave_format = entry.get("CodecPrivate")
        assert isinstance(wave_format, bytes)
        return WAVE_FORMATS[int.from_bytes(wave_format[:2], "little")]
    return CODECS[str(entry.get("CodecID"))]


Recorder = Callable[[str], list[Recorded]]
"""Gives the files of a recording, by its name."""


def record(name: str, folder: Path) -> list[Recorded]:
    """Import a recording's captures into a folder, and make all its files there."""
    if name in CALLS:
        tracks, packets, options = CALLS[name]()
        paths: tuple[Path, ...] = (folder / f"{name}.pcap",)
        paths[0].write_bytes(bundle(sorted(packets, key=lambda sent: sent[0])))
    else:
        paths, options = captured()[name], ()
        tracks = tracks_of(paths)
    told = folder / "tracks.json"
    told.write_text(json.dumps({"output_types": OUTPUTS, "tracks": tracks}))
    chunks, files = str(folder / "chunks"), folder / "files"
    assert main(["import", *map(str, paths), "--tracks", str(told), "-o", chunks]) == 0
    assert main(["remux", chunks, "-o", str(files), *options]) == 0
    found = sorted(files.rglob("*.mkv"))
    return [Recorded(path, read_matroska(path.read_bytes())) for path in found]
