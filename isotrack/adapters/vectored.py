"""Bytes written from the many places they lie in, without an object for each: libc's writev.

`os.writev` takes memoryviews, and to make those of a cluster takes longer than all else that is
done to it. What writev wants of each is two numbers, and numpy has them all at once.
"""

from __future__ import annotations

import ctypes
import errno
import os

import numpy as np

from isotrack.media.scattered import Scattered

_AT_ONCE = 1024  # IOV_MAX of Linux and macOS

_writev = ctypes.CDLL(None, use_errno=True).writev
_writev.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
_writev.restype = ctypes.c_ssize_t


def write_scattered(descriptor: int, data: Scattered) -> None:
    """Write all of the data to a file that is open for writing.

    Raises:
        OSError: as `os.write` does; a part of the data may be written.
    """
    if not data.count:
        return
    starts = range(0, data.count, _AT_ONCE)
    sizes = np.add.reduceat(data.length, starts).tolist()
    for start, size in zip(starts, sizes, strict=True):
        some = data.take(slice(start, start + _AT_ONCE))
        written = _write_some(descriptor, some)
        if written < size:  # a disk that fills up takes a part, and nothing the next time
            rest = memoryview(some.joined())[written:]
            while rest:
                rest = rest[os.write(descriptor, rest) :]


def _write_some(descriptor: int, data: Scattered) -> int:
    """Write as much as is taken at once, and say how much that was."""
    while True:
        written: int = _writev(descriptor, data.vectors.ctypes.data, data.count)
        if written >= 0:
            return written
        if (code := ctypes.get_errno()) != errno.EINTR:
            raise OSError(code, os.strerror(code))
