from __future__ import annotations

import platform
from pathlib import Path

import numpy as np
import pytest

from isotrack.pipeline import heap

BLOCK, BLOCKS = 64 << 10, 1000


def resident_bytes() -> int:
    status = Path("/proc/self/status").read_text("utf-8")
    line = next(line for line in status.splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) << 10


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="others do not say what they keep")
def test_memory_that_was_freed_between_what_is_still_used_is_given_back() -> None:
    blocks = [np.ones(BLOCK, np.uint8) for _ in range(BLOCKS)]
    used = resident_bytes()
    kept = blocks[::10]
    del blocks

    heap.trim()

    assert resident_bytes() < used - BLOCK * BLOCKS // 2
    assert all(block.all() for block in kept)
