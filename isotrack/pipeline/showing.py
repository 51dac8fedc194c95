"""What is seen of a video lane: which stream when, at which size."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from isotrack.codecs.keyframes import PictureSize
from isotrack.media.lanes import Lane
from isotrack.pipeline.merging import LaneMerger
from isotrack.pipeline.queueing import Seen
from isotrack.pipeline.survey import Survey


class ShownLayer(NamedTuple):
    """A layer of simulcast is seen, at one size."""

    ssrc: int
    rid: str | None
    start_us: int
    end_us: int
    """When something else is seen, or when its last picture plays."""
    width: int
    """As published: a camera may be turned."""
    height: int


def seen_sizes(lane: Lane, found: Survey, merger: LaneMerger) -> Iterator[tuple[int, PictureSize]]:
    """Each size of a lane's picture, and since when it is seen on the host's clock."""
    for seen in merger.seen(lane):
        yield from _sizes_of(seen, found, merger)


def shown_layers(lane: Lane, found: Survey, merger: LaneMerger) -> list[ShownLayer]:
    """Which layer is seen when; nothing of a lane without simulcast."""
    if all(len(section) == 1 for section in lane.sections):
        return []
    seen = merger.seen(lane)
    ends_us = [each.start_us for each in seen[1:]] + [each.last_us for each in seen[-1:]]
    layers = []
    for each, end_us in zip(seen, ends_us, strict=True):
        track, ordinal = found.tracks[each.stream.track], each.stream.ordinal
        ssrc, rid = track.streams[ordinal].ssrc, track.rids.get(ordinal)
        sizes = _sizes_of(each, found, merger)
        bounds_us = [*(at_us for at_us, _ in sizes), end_us]
        for (_, size), (start_us, until_us) in zip(sizes, pairwise(bounds_us), strict=True):
            layers.append(ShownLayer(ssrc, rid, start_us, until_us, size.width, size.height))
    return layers


def _sizes_of(seen: Seen, found: Survey, merger: LaneMerger) -> list[tuple[int, PictureSize]]:
    """The sizes of a stream while it is seen."""
    track, ordinal = seen.stream
    clock = found.tracks[track].clocks[ordinal]
    sizes = merger.readers[track].streams[ordinal].assembler.sizes
    if not sizes:  # sound
        return []
    timed = [(clock.host_us_at(size.timestamp), size) for size in sizes]
    before = [size for time_us, size in timed if time_us <= seen.start_us]
    first = seen.start_us, before[-1] if before else sizes[0]
    return [first, *(each for each in timed if seen.start_us < each[0] <= seen.last_us)]
