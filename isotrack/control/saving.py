"""Write something that others may write too."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from isotrack.control.ports import StaleRecord
from isotrack.recording.errors import Transient

T = TypeVar("T")

ATTEMPTS = 10
"""Of writing over a version that somebody else has written over. All that is written so has few
writers: a call its agents, and whoever starts, stops and changes it."""


def keep_trying(attempt: Callable[[], T], named: str) -> T:
    """Read, change and write something, again and again until nobody was faster.

    Args:
        attempt: does all three; raises StaleRecord when somebody was.
        named: what it is, for the message.

    Raises:
        Transient: somebody always was.
    """
    for _ in range(ATTEMPTS):
        try:
            return attempt()
        except StaleRecord:
            continue
    raise Transient(f"{named}: somebody else was faster {ATTEMPTS} times")
