"""Moments, and how long an answer took."""

from __future__ import annotations

from isotrack.recording.timestamps import (
    NANOSECONDS,
    Timestamp,
    nanoseconds,
    rfc3339,
)
from isotrack.recording.tracks import Frozen

__all__ = ["NANOSECONDS", "Timed", "Timestamp", "nanoseconds", "rfc3339"]


class Timed(Frozen):
    """An answer that says how long it took."""

    duration: str = ""
    """Time the request took, as `10.89ms`; filled in when the answer is sent."""
