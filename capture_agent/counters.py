"""What arrived at each media port, in memory that both processes of the agent see."""

from __future__ import annotations

import mmap
import os

import numpy as np
from numpy.typing import NDArray

ROW = np.dtype(
    [
        ("packets", "<u8"),  # datagrams received
        ("bytes", "<u8"),  # of these datagrams
        ("drained", "<u8"),  # received while their track was not recorded, and let go
        ("lost", "<u8"),  # received, but the spool's disk had no room for them
        ("kernel_drops", "<u8"),  # never received: the socket's buffer was full
        ("drop_counter", "<u8"),  # the socket's own counter when it was read last (32 bits)
    ]
)


class Counters:
    """One row per port of the media port range: the capture process counts, the agent reads.

    The table outlives the capture process, so a new one counts on where a dead one stopped.
    Each field is eight aligned bytes, which the processor reads and writes in one piece.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.rows: NDArray[np.void] = np.frombuffer(mmap.mmap(descriptor, 0), ROW)

    @classmethod
    def create(cls, ports: int) -> Counters:
        """A table of zeros for so many ports."""
        descriptor = os.memfd_create("isotrack-counters", os.MFD_CLOEXEC)
        os.ftruncate(descriptor, ports * ROW.itemsize)
        return cls(descriptor)

    def clear(self, row: int) -> None:
        """Count from zero again: the port has a new socket, unknown to the capture process yet."""
        self.rows[row] = np.zeros((), ROW)
