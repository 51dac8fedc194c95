"""Packets that are repeated with the counters in them going on, so that none comes twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.rtp.dump import write_dump


class Counter(NamedTuple):
    """A field that counts, at many places of a buffer."""

    at: NDArray[np.int64]
    """Where the field stands."""
    first: NDArray[np.int64]
    """What it says in repeat 0."""
    step: int
    """What each repeat adds."""
    kind: str
    """The numpy type of the field."""
    modulo: int
    """Where it wraps."""
    flags: int = 0
    """Bits that are set besides."""

    def put(self, buffer: NDArray[np.uint8], repeat: int) -> None:
        """Write what the field says in a repeat."""
        value = (self.first + repeat * self.step) % self.modulo + self.flags
        width = np.dtype(self.kind).itemsize
        rows = value.astype(self.kind).view(np.uint8).reshape(-1, width)
        buffer[self.at[:, None] + np.arange(width)] = rows


class Template(NamedTuple):
    """The datagrams of a chunk, and the counters that make them those of a later one."""

    buffer: NDArray[np.uint8]
    """The datagrams, one after the other."""
    length: NDArray[np.int64]
    arrival_us: NDArray[np.int64]
    is_rtcp: NDArray[np.bool_]
    counters: Sequence[Counter]
    step_us: int
    """What each repeat adds to the arrivals."""

    def chunk(self, repeat: int) -> bytearray:
        """The sealed chunk of a repeat."""
        for counter in self.counters:
            counter.put(self.buffer, repeat)
        return write_dump(
            self.buffer,
            np.cumsum(self.length) - self.length,
            self.length,
            self.arrival_us + repeat * self.step_us,
            self.is_rtcp,
        )
