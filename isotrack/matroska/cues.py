"""Cues: where in a file a time is found (RFC 9559, section 5.1.5)."""

from __future__ import annotations

from array import array
from itertools import groupby
from operator import itemgetter

from isotrack.matroska import ebml, ids

_COLUMNS = 4


class CueIndex:
    """Places to seek to, gathered while a file is written: 32 bytes of memory each."""

    def __init__(self) -> None:
        self._values = array("q")

    def add(self, time_ms: int, track: int, cluster_position: int, relative_position: int) -> None:
        """Remember a block.

        Args:
            time_ms: its timestamp.
            track: its track number.
            cluster_position: of its cluster, from the first byte in the segment.
            relative_position: of the block, from the first byte in the cluster.
        """
        if time_ms < 0:
            raise ValueError(f"a cue at {time_ms} ms is before the start of the file")
        self._values.extend((time_ms, track, cluster_position, relative_position))

    def encode(self) -> bytes:
        """The Cues element, in order of time; nothing when there is no cue.

        Of several blocks of one track at one time it is the first that is found.
        """
        flat = iter(self._values)
        rows = sorted(zip(*[flat] * _COLUMNS, strict=True))
        if not rows:
            return b""
        points = []
        for time_ms, same_time in groupby(rows, itemgetter(0)):
            firsts = [next(places) for _, places in groupby(same_time, itemgetter(1))]
            points.append(
                ebml.master(
                    ids.CUE_POINT,
                    ebml.unsigned(ids.CUE_TIME, time_ms),
                    *(_track_positions(*row[1:]) for row in firsts),
                )
            )
        return ebml.master(ids.CUES, *points)


def _track_positions(track: int, cluster_position: int, relative_position: int) -> bytes:
    return ebml.master(
        ids.CUE_TRACK_POSITIONS,
        ebml.unsigned(ids.CUE_TRACK, track),
        ebml.unsigned(ids.CUE_CLUSTER_POSITION, cluster_position),
        ebml.unsigned(ids.CUE_RELATIVE_POSITION, relative_position),
    )
