"""The benchmark's programs in C, built where they are wanted."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

_SOURCES = Path(__file__).parent / "peers"


class Programs(NamedTuple):
    """Where each was built."""

    launch: Path
    floor: Path
    libavformat: Path


def build(folder: Path) -> Programs:
    """Compile all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    libraries = _output(
        "pkg-config", "--cflags", "--libs", "libavformat", "libavcodec", "libavutil"
    )
    return Programs(
        launch=_compile(folder, "launch"),
        floor=_compile(folder, "floor"),
        libavformat=_compile(folder, "libavformat", *libraries.split()),
    )


def _compile(folder: Path, name: str, *libraries: str) -> Path:
    source, program = _SOURCES / f"{name}.c", folder / name
    _output("gcc", "-O2", "-Wall", "-Wextra", "-o", str(program), str(source), *libraries)
    return program


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
