"""FFmpeg: the program, fed over RTSP, and its library, driven from C."""

from __future__ import annotations

import subprocess
from pathlib import Path

from benchmarks.codecs import HEIGHT, WIDTH
from benchmarks.inputs import Input

_DEPACKETIZED = ("vp8", "vp9", "h264", "h265", "opus", "pcmu", "pcma", "g722")
"""By libavformat 59: AV1 came with 61."""


class FFmpeg:
    """`ffmpeg -c copy`, which reads RTP as fast as it can only over RTSP interleaved in TCP.

    Args:
        rtsp: URL of the server that has the inputs.
    """

    name = "ffmpeg CLI"
    writes_by_suffix = False

    def __init__(self, rtsp: str) -> None:
        self._rtsp = rtsp

    def version(self) -> str:
        return _first_line("ffmpeg", "-version").split(" Copyright")[0]

    def suffix(self, codec: str) -> str | None:
        return "mkv" if codec in _DEPACKETIZED else None

    def command(self, given: Input, output: Path) -> list[str]:
        url = f"{self._rtsp}/{given.name}"
        # Its VP9 depacketizer marks no keyframe, and a copy begins with one unless told otherwise.
        anywhere = ["-copyinkf"] if given.codec.name == "vp9" else []
        read = ["-rtsp_transport", "tcp", "-i", url]
        return [
            *("ffmpeg", "-nostdin", "-v", "error", *read),
            *("-c", "copy", *anywhere, "-f", "matroska", "-y", str(output)),
        ]


class Libavformat:
    """The harness of `libavformat.c`: depacketizers and muxer with nothing between.

    Args:
        program: where it was built.
    """

    name = "libavformat (C)"
    writes_by_suffix = False

    def __init__(self, program: Path) -> None:
        self._program = program

    def version(self) -> str:
        found = subprocess.run(
            ["pkg-config", "--modversion", "libavformat"],
            check=True,
            capture_output=True,
            text=True,
        )
        return f"libavformat {found.stdout.strip()}"

    def suffix(self, codec: str) -> str | None:
        return "mkv" if codec in _DEPACKETIZED else None

    def command(self, given: Input, output: Path) -> list[str]:
        packets = given.packets("rfc4571")
        size = [str(WIDTH), str(HEIGHT)]
        return [str(self._program), str(given.sdp), str(packets), *size, str(output)]


def _first_line(*command: str) -> str:
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    return found.stdout.partition("\n")[0]
