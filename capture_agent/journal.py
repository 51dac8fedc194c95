"""The journal: the agent's state on disk, as a file of entries that is only ever appended to."""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from capture_agent.entries import ENTRY, Snapshot
from capture_agent.state import State
from isotrack.recording.errors import CorruptInput

COMPACT_BYTES = 4 << 20
"""A journal this long, and four times as long as its snapshot, is written anew."""

_log = logging.getLogger(__name__)


class Change(Protocol):
    """An entry: any of `entries.Entry`."""

    def apply(self, state: State) -> None:
        """Change the state."""

    def model_dump_json(self) -> str:
        """Its line in the journal."""


class Journal:
    """State that outlives the agent: `write` is the one way to change it."""

    def __init__(self, path: Path, compact_bytes: int = COMPACT_BYTES) -> None:
        """Open the journal, or begin it.

        Raises:
            CorruptInput: a line that is not the last one cannot be read.
        """
        self._path = path
        self._compact_bytes = compact_bytes
        self.state = State()
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        if lines and not lines[-1].endswith(b"\n"):
            _log.warning("%s: cut off %d bytes of an entry never finished", path, len(lines.pop()))
        for number, line in enumerate(lines, 1):
            try:
                ENTRY.validate_json(line).apply(self.state)
            except ValidationError as error:
                raise CorruptInput(f"{path}, line {number}: no entry of a journal") from error
        self._rewrite()

    def write(self, *entries: Change) -> None:
        """Put changes on the disk, with one wait for it (milliseconds), then make them."""
        lines = "".join(f"{entry.model_dump_json()}\n" for entry in entries).encode()
        if self._file.write(lines) != len(lines):
            self._file.truncate(self._size)  # no half line in the middle of the journal
            raise OSError(errno.ENOSPC, f"{self._path}: no room for entries of {len(lines)} bytes")
        os.fsync(self._file.fileno())
        for entry in entries:
            entry.apply(self.state)
        self._size += len(lines)
        if self._size > max(self._compact_bytes, 4 * self._snapshot_size):
            self._file.close()
            self._rewrite()

    def close(self) -> None:
        """Write no more."""
        self._file.close()

    def _rewrite(self) -> None:
        """Begin the file anew with the state as it is, in one step."""
        snapshot = f"{Snapshot(state=self.state).model_dump_json()}\n".encode()
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(snapshot)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        _sync_folder(self._path.parent)
        self._file = self._path.open("ab", buffering=0)
        self._size = self._snapshot_size = len(snapshot)


def _sync_folder(folder: Path) -> None:
    """Put a rename on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
