"""Where players are sent in a file."""

from __future__ import annotations

from tests.players.recordings import Recorded, TrackOf

LONGEST_CLUSTER_MS = 5000
"""In sound alone, a seek goes to the beginning of the cluster at worst."""

_PARTS = (0.8, 0.35, 0.55)
"""Forward, back, and forward again."""


def places_in(file: Recorded, track: TrackOf) -> list[int]:
    """Some milliseconds between the first and the last frame of a track; and the last cue."""
    first, last = track.times_ms[0], track.times_ms[-1]
    cues = [time for time, number in file.matroska.cues if number == track.number]
    return [*(int(first + part * (last - first)) for part in _PARTS), *cues[-1:]]


def shown_at(track: TrackOf, at_ms: int) -> int:
    """The picture that is seen at a time: the last one that began by then."""
    return max(time for time in track.times_ms if time <= at_ms)
