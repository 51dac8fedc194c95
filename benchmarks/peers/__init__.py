"""The remuxers that Isotrack is measured beside, each as the command that runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from benchmarks.inputs import Input


class Peer(Protocol):
    """A program that turns the RTP packets of one track into a file without re-encoding."""

    @property
    def name(self) -> str:
        """As the tables show it."""

    @property
    def writes_by_suffix(self) -> bool:
        """It takes what to write from the ending of the file's name."""

    def version(self) -> str:
        """What it says of itself."""

    def suffix(self, codec: str) -> str | None:
        """The ending of the file it makes of a codec; None if it cannot make one."""

    def command(self, given: Input, output: Path) -> list[str]:
        """The command line that writes `output`."""
