"""Chunks of a loop that are made when they are read, so that a day of video needs little disk.

    python -m benchmarks.looped FOLDER

They are made by this program, a process of its own that `LoopedStore` asks: what is measured as the
memory of the engine is the engine's.
"""

from __future__ import annotations

import pickle
import struct
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

from benchmarks.repeats import Template
from isotrack.adapters.filesystem import FilesystemStore

TEMPLATES = "templates"
"""Folder of what chunks are made of, by the kind of their track and their number in the loop."""

_SIZE = struct.Struct(">I")


class LoopedStore(FilesystemStore):
    """An ObjectStore of such chunks; all else, and the last bytes of each, is in its folder.

    Args:
        folder: of the session.
        kinds: that of each track whose chunks are made, by the folder of their keys.
    """

    def __init__(self, folder: Path, kinds: dict[str, str]) -> None:
        super().__init__(folder)
        self._kinds = kinds
        self._maker = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.looped", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._maker.stdin
        assert self._maker.stdout
        self._asked: BinaryIO = self._maker.stdin  # type: ignore[assignment]
        self._answered: BinaryIO = self._maker.stdout  # type: ignore[assignment]

    def read_into(self, key: str, buffer: memoryview) -> int:
        """A chunk, made anew, or an object of the folder, as much of it as there is room for."""
        parent, _, name = key.rpartition("/")
        if parent not in self._kinds:
            return super().read_into(key, buffer)
        self._asked.write(f"{self._kinds[parent]} {name.partition('.')[0]}\n".encode())
        self._asked.flush()
        (size,) = _SIZE.unpack(self._answered.read(_SIZE.size))
        count: int = self._answered.readinto(buffer[:size])  # type: ignore[attr-defined]
        self._answered.read(size - count)
        return count

    def close(self) -> None:
        """Have the maker end: its CPU time is counted once it has."""
        self._maker.communicate()


def main() -> None:
    """Make the chunks that are asked for by kind and number."""
    found: dict[str, list[Path]] = {}
    for path in sorted((Path(sys.argv[1]) / TEMPLATES).iterdir()):
        found.setdefault(path.name.partition("-")[0], []).append(path)
    for line in sys.stdin:
        kind, number = line.split()
        repeat, index = divmod(int(number), len(found[kind]))
        template: Template = pickle.loads(found[kind][index].read_bytes())
        chunk = template.chunk(repeat)
        sys.stdout.buffer.write(_SIZE.pack(len(chunk)))
        sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
