"""Real captures: all of the vectors where they are at hand, else the cuts of them in tests/data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from isotrack.adapters.captures import captures_of
from isotrack.pipeline.guessing import guess_tracks
from isotrack.pipeline.inspecting import inspect
from tests.vectors import CUTS, VECTORS

NOTHING_TO_PLAY = {
    "chrome_single_flexfec03_packet": "a packet of FEC",
    "rtppacket1": "two packets of different streams",
}

TOLD: dict[str, list[dict[str, Any]]] = {
    "stereo_pcmu_jitter": [{"user_id": "alice", "mime": "pcmu", "payload_type": 125, "channels": 2}]
}
"""What is in captures that do not show it: the payload types of webrtc's tests are its own."""

_ROOT = VECTORS or CUTS
_SUFFIXES = {".pcap", ".rtpdump", ".rtp", ".mjr", ".raw"}


def captured() -> dict[str, tuple[Path, ...]]:
    """The captures by name: a file each, or the files of a folder that belong together."""
    found: dict[str, tuple[Path, ...]] = {}
    for path in sorted(_ROOT.rglob("*")):
        if path.suffix in _SUFFIXES:
            whole = path.parent if _is_a_part(path) else path.with_suffix("")
            name = "-".join(whole.relative_to(_ROOT).parts)
            found[name] = (*found.get(name, ()), path)
    return found


def _is_a_part(path: Path) -> bool:
    return path.suffix in (".mjr", ".raw") or path.stem.startswith("dump_")


def tracks_of(paths: tuple[Path, ...]) -> list[dict[str, Any]]:
    """The `tracks.json` of a capture: what is guessed where nothing else is known."""
    if paths[0].stem in TOLD:
        return TOLD[paths[0].stem]
    guessed: list[dict[str, Any]] = guess_tracks(inspect(captures_of(paths)))["tracks"]
    return guessed


def playable() -> Iterator[str]:
    """The names of those with media in them."""
    return (name for name, paths in captured().items() if paths[0].stem not in NOTHING_TO_PLAY)
