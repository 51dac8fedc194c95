"""Janus: `janus-pp-rec`, which turns the recordings of its gateway into files."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from benchmarks.inputs import Input

_SUFFIX = {
    "vp8": "mkv",
    "vp9": "mkv",
    "h264": "mkv",
    "h265": "mkv",
    "av1": "mp4",
    "opus": "mka",
    "pcmu": "wav",
    "pcma": "wav",
    "g722": "wav",
}


class Janus:
    """`janus-pp-rec` on an .mjr; sound that is not Opus it decodes to WAV."""

    name = "janus-pp-rec"
    writes_by_suffix = True

    def version(self) -> str:
        found = subprocess.run(["janus-pp-rec", "-F"], capture_output=True, text=True, check=False)
        version = re.search(r"Janus version: \d+ \((.*?)\)", found.stdout)
        return f"janus-pp-rec {version[1] if version else 'of unknown version'}"

    def suffix(self, codec: str) -> str | None:
        return _SUFFIX.get(codec)

    def command(self, given: Input, output: Path) -> list[str]:
        packets = str(given.packets("mjr"))
        return ["janus-pp-rec", "--debug-level=2", packets, str(output)]
