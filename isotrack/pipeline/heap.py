"""Memory that the C library keeps though nobody has a use for it."""

from __future__ import annotations

import ctypes
from contextlib import suppress


def trim() -> None:
    """Give freed memory back to the system, where the C library can do that (glibc).

    Allocations of another size than those that were freed do not find it: the manifest of a day is
    parsed in ten megabytes, and what then is written takes its memory elsewhere.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
