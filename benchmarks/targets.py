"""What the engine is to reach (issue 3, item 9), beside what it reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from benchmarks.contest import FLOOR, OURS
from benchmarks.results import PEERS, Results

_VIDEO, _AUDIO = ("vp8", "h264"), ("opus",)
_MIB = 1.048576
"""Megabytes in a mebibyte."""


class Target(NamedTuple):
    """A number to reach in each of some cases."""

    wanted: str
    reached: Sequence[float]
    at_least: float = 0
    at_most: float = float("inf")

    def row(self) -> list[str]:
        """Of the table of targets."""
        if not self.reached:
            return [self.wanted, "not measured", ""]
        met = all(self.at_least <= value <= self.at_most for value in self.reached)
        said = [f"{value:,.0f}" if value >= 100 else f"{value:.1f}" for value in self.reached]
        return [self.wanted, ", ".join(said), "yes" if met else "no"]


def targets_of(results: Results) -> Iterator[Target]:
    """All targets; what was reached is in the order of the codecs they name."""
    libavformat, ffmpeg, gstreamer, janus = PEERS
    for peer, codecs, factor in (
        (libavformat, _VIDEO, 3),
        (ffmpeg, _VIDEO, 12),
        (gstreamer, _VIDEO, 7),
        (janus, _VIDEO, 4),
        (gstreamer, _AUDIO, 6),
        (janus, _AUDIO, 1.5),
    ):
        alternative = {libavformat: ", or", ffmpeg: " instead"}.get(peer, "")
        wanted = f"{', '.join(codecs)}: {peer} / ours at least {factor}{alternative}"
        yield Target(wanted, _ratios(results, peer, codecs), at_least=factor)
    yield Target(
        "vp8, h264 with opus: all three outputs in one pass at least 5,000 x real time",
        [
            results.seconds / made["all three in one pass"].cpu_s
            for made in results.outputs.values()
        ],
        at_least=5000,
    )
    to_floor = [1 / value for value in _ratios(results, FLOOR, (*_VIDEO, *_AUDIO))]
    yield Target("vp8, h264, opus: ours / floor at most 5", to_floor, at_most=5)
    hours = ", ".join(f"{length.hours} h" for length in results.lengths)
    peaks = [length.run.peak_mib * _MIB for length in results.lengths]
    yield Target(f"{hours}: peak below 100 MB", peaks, at_most=100)


def _ratios(results: Results, other: str, codecs: Sequence[str]) -> list[float]:
    """CPU beyond start-up of another one, in that of ours, where both ran."""
    pairs = [(costs.get(other), costs.get(OURS)) for costs in map(results.costs, codecs)]
    return [theirs.cpu_s / ours.cpu_s for theirs, ours in pairs if theirs and ours]
