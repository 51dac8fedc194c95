"""Programs run to their end, and what they say."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from typing import NamedTuple

PATIENCE_S = 120


class Said(NamedTuple):
    """What a program said until its end."""

    status: int
    out: str
    err: str


def run(command: Sequence[object], environment: Mapping[str, str] | None = None) -> Said:
    """Run a program; one that hangs fails the test."""
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
        env=environment,
    )
    return Said(done.returncode, done.stdout, done.stderr)
