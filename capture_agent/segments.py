"""The writing end of the spool: segments appended to by the one capture process."""

from __future__ import annotations

import ctypes
import errno
import os
import time
from pathlib import Path

from capture_agent import spool


class SegmentWriter:
    """An append-only log that begins a new segment when the current one is old or large.

    A file is made when there is something to put into it, so an idle agent leaves none behind.
    """

    def __init__(self, folder: Path, first: int, segment_seconds: float) -> None:
        self._folder = folder
        self._seconds = segment_seconds
        self.current = first
        self._file = -1
        self._size = self._records = 0
        self._opened = 0.0
        self._writev = _writev()

    def append(self, vector: int, pieces: int, size_bytes: int, records: int) -> bool:
        """Write the pieces of an iovec array, all of them or none; False if there is no room."""
        if self._file < 0:
            self._open()
        written = self._writev(self._file, vector, pieces)
        if written != size_bytes:
            number = ctypes.get_errno() if written < 0 else errno.ENOSPC
            os.ftruncate(self._file, self._size)  # no half batch in the middle of the log
            if number in (errno.ENOSPC, errno.EDQUOT):
                return False
            raise OSError(number, f"writev to spool segment {self.current}: {os.strerror(number)}")
        self._size += size_bytes
        self._records += records
        return True

    def due(self) -> bool:
        """Whether the current segment is as old or large as a segment may be."""
        return self._file >= 0 and (
            time.monotonic() - self._opened >= self._seconds
            or self._size >= spool.MAX_SEGMENT_BYTES
            or self._records >= spool.MAX_SEGMENT_RECORDS
        )

    def rotate(self) -> int:
        """Close the current segment; the number of the last one that is closed."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
            self.current += 1
        return self.current - 1

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(spool.path(self._folder, self.current), flags, 0o600)
        self._size = self._records = 0
        self._opened = time.monotonic()


def _writev() -> ctypes._NamedFuncPointer:
    """writev(2) of the C library."""
    call = ctypes.CDLL(None, use_errno=True).writev
    call.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
    call.restype = ctypes.c_ssize_t
    return call
