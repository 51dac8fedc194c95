"""All that a run of the benchmark measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from benchmarks.contest import DECODES, Entry
from benchmarks.measure import Cost
from benchmarks.ourselves import Length

PEERS = ("libavformat (C)", "ffmpeg CLI", "GStreamer", "janus-pp-rec")
"""As `Results.costs` names them."""


class Results(NamedTuple):
    """All that was measured."""

    seconds: int
    rounds: int
    versions: Sequence[str]
    contests: Mapping[str, Sequence[Entry]]
    """By codec."""
    outputs: Mapping[str, Mapping[str, Cost]]
    """By codec of the video; by what was made."""
    lengths: Sequence[Length]

    def costs(self, codec: str) -> dict[str, Cost | None]:
        """By contender that remuxes it; GStreamer's better pipeline as `GStreamer` too."""
        remuxed = [e for e in self.contests.get(codec, ()) if not e.output.startswith(DECODES)]
        costs = {entry.name: entry.cost for entry in remuxed}
        best = [cost for name, cost in costs.items() if name.startswith("GStreamer") and cost]
        costs["GStreamer"] = min(best, key=lambda cost: cost.cpu_s, default=None)
        return costs


def ratio(theirs: Cost | None, ours: Cost | None) -> str:
    """How many times what we take somebody else takes."""
    if theirs is None or ours is None or ours.cpu_s <= 0:
        return "-"
    return f"{theirs.cpu_s / ours.cpu_s:.1f}"
